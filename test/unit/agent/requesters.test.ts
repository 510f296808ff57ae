/** Whom a run of the system's update serves, and what they may ask for together. The engine is a stand-in. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { resume } from "../../../agent/commands/hold";
import { runSystem } from "../../../agent/commands/run-system";
import type { RunRequest } from "../../../agent/driver";
import * as engine from "../../../agent/engine";
import { acquireLock, tryLock } from "../../../agent/host/lock";
import { timestamp } from "../../../agent/host/time";
import { pendingRequests, type Request, writeRequest } from "../../../agent/requests";
import { writeServing } from "../../../agent/serving";
import type { SystemDriver } from "../../../agent/system/system";
import { requester } from "../../../rules/decision/run-right";
import { until } from "../../setup/until";
import { Scratch } from "./scratch";
import { standInDriver } from "./stand-in-driver";

let scratch: Scratch;
/** The request of each attempt, in their order. */
let attempts: RunRequest[];
/** What happens during a run. */
let during: () => void;
let needsReboot: () => Promise<boolean>;
beforeEach(() => {
  scratch = new Scratch();
  // So soon after it, the update after a boot waits for nothing.
  writeFileSync(scratch.in("run/booted-at"), timestamp(Date.now()));
  attempts = [];
  during = () => undefined;
  needsReboot = () => Promise.resolve(false);
  vi.spyOn(engine, "attempt").mockImplementation((_, request) => {
    attempts.push(request);
    during();
    return Promise.resolve({ decision: { settings: { homes: [] } }, ending: {}, well: true } as never);
  });
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  scratch.remove();
});

const ssh: Request = { trigger: "ssh", by: "pulumi" };
const watch: Request = { trigger: "watch", by: "the watcher" };
const runFolder = () => scratch.in("run");
const waiting = () => pendingRequests(runFolder()).length;
const plain = { force: false, once: false };
const wanted = "a".repeat(40);

function run(options: Parameters<typeof runSystem>[1] = plain): Promise<number> {
  const rebootPlace = () => ({ runFolder: runFolder(), settings: {}, deployedSettings: {}, urgent: false });
  const decideNow = () => Promise.resolve({});
  const driver = { ...standInDriver(scratch, { needsReboot }), rebootPlace, decideNow };
  return runSystem(driver as unknown as SystemDriver, options);
}

const once = (action: () => void) => () => {
  if (attempts.length === 1) action();
};

/** @param restarts how often systemd has started the service again @param schedule when its schedule fired last */
function startedBySystemd({ timer = false, restarts = 0, schedule = "" } = {}): void {
  vi.stubEnv("SYSTEMD_EXEC_PID", String(process.pid));
  vi.stubEnv("TRIGGER_UNIT", timer ? "x.timer" : "");
  const fired = "LastTriggerUSec=Tue 2026-11-24 10:05:00.0 UTC";
  scratch.fake(
    "systemctl",
    `case "$*" in
      *NRestarts*) echo NRestarts=${restarts} ;;
      *) printf '%s\\n' "InactiveEnterTimestamp=" "ExecMainStartTimestamp=Tue 2026-11-24 10:05:01.0 UTC" \\
        "" "${fired}" "" "LastTriggerUSec=${schedule}" ;;
    esac`,
  );
}

describe("a run by hand", () => {
  it.each([
    ["without a word", plain, "carol"],
    ["with a name", { ...plain, by: "third" }, "third"],
    ["with a name and what it is for", { ...plain, by: "third", trigger: "manual" as const }, "third"],
  ])("%s goes to the head, and leaves requests to the service", async (_, options, by) => {
    vi.stubEnv("SUDO_USER", "carol");
    writeRequest(runFolder(), ssh);
    await run(options);
    expect(attempts).toMatchObject([{ right: "head", person: true }]);
    expect(scratch.log).toContain(`update requested by ${by} (manual)`);
    expect(waiting()).toBe(1);
  });

  it("to a revision goes there, whatever it is for, and answers no request with it", async () => {
    during = once(() => writeRequest(runFolder(), watch));
    await run({ ...plain, trigger: "watch", wanted });
    expect(attempts).toMatchObject([{ right: "head", person: false, wanted }]);
    expect(waiting()).toBe(1);
  });
});

describe("a run of the service", () => {
  it("that waits for nothing ends the wait for the window", async () => {
    startedBySystemd();
    writeFileSync(scratch.in("state/waiting-since"), `${wanted} 2026-01-01T00:00:00.000Z`);
    await run();
    expect(existsSync(scratch.in("state/waiting-since"))).toBe(false);
  });

  it("for requests goes to what is approved", async () => {
    startedBySystemd();
    for (const by of ["pulumi", "another"]) writeRequest(runFolder(), { ...ssh, by });
    await run();
    expect(attempts).toMatchObject([{ right: "approved", person: false }]);
    // The files of requests have no order.
    expect(scratch.log).toMatch(/requested by (pulumi, another|another, pulumi) \(ssh\)/);
    expect(waiting()).toBe(0);
  });

  it("by its timer goes to the head, though requests came at the same time", async () => {
    startedBySystemd({ timer: true });
    writeRequest(runFolder(), watch);
    await run();
    expect(attempts).toMatchObject([{ right: "head", person: false }]);
    expect(scratch.log).toContain("requested by the watcher, its timer after boot (watch)");
  });

  it("by a retry has the right of what it repeats", async () => {
    startedBySystemd();
    writeFileSync(scratch.in("run/retry"), "1 no network");
    writeFileSync(scratch.in("run/retry-due"), "");
    writeFileSync(scratch.in("run/retry-right"), "head");
    writeRequest(runFolder(), watch);
    await run();
    expect(attempts).toMatchObject([{ right: "head", person: false }]);
  });

  it("that nothing explains is a person's, with systemctl", async () => {
    startedBySystemd();
    await run();
    expect(attempts).toMatchObject([{ right: "head", person: true }]);
    expect(scratch.log).toContain("requested by unknown (manual)");
  });

  it("serves a request that comes meanwhile, with its own right and no one else's", async () => {
    startedBySystemd();
    during = once(() => writeRequest(runFolder(), watch));
    await run({ ...plain, force: true });
    expect(attempts).toMatchObject([
      { right: "head", person: true, force: true },
      { right: "approved", person: false, force: false },
    ]);
    expect(waiting()).toBe(0);
  });

  it("decides about a reboot while it holds the lock, and while the file says whom it serves", async () => {
    startedBySystemd();
    const seen: unknown[] = [];
    needsReboot = async () => {
      seen.push(await tryLock(scratch.in("lock"), "x"), existsSync(scratch.in("run/serving.json")));
      return false;
    };
    await run();
    expect(seen).toEqual([undefined, true]);
    expect(existsSync(scratch.in("run/serving.json"))).toBe(false);
  });

  it.each([
    ["serves a timer that fires meanwhile, which systemd drops, once", "Tue 2026-11-24 10:05:02.0 UTC", 2],
    ["has served a timer that fired before it", "Mon 2026-11-23 10:05:02.0 UTC", 1],
  ])("%s", async (_, time, runs) => {
    startedBySystemd();
    writeRequest(runFolder(), watch);
    during = once(() => startedBySystemd({ schedule: time }));
    await run();
    expect(attempts).toMatchObject([{ right: "approved" }, { right: "head", person: false }].slice(0, runs));
    expect(scratch.log.includes("meanwhile requested by its schedule (schedule)")).toBe(runs === 2);
  });

  it("that decided under a hold decides again for the resume that comes meanwhile", async () => {
    startedBySystemd();
    vi.stubEnv("SUDO_USER", "carol");
    scratch.fake("systemd-run", "true");
    const stopped = standInDriver(scratch, {});
    const resumed: Promise<number>[] = [];
    during = once(() => resumed.push(resume(stopped)));
    writeRequest(runFolder(), watch);
    await run();
    expect(await Promise.all(resumed)).toEqual([0]);
    expect(attempts).toMatchObject([{ right: "approved" }, { right: "head", person: true }]);
    expect(scratch.log).toContain("meanwhile requested by carol (manual)");
  });

  it("takes no request before it holds the lock, and then all that have come", async () => {
    startedBySystemd();
    writeRequest(runFolder(), watch);
    const lock = await acquireLock(scratch.in("lock"), "another run");
    const running = run();
    await until("it waits", 10, () => scratch.log.includes("waiting: an update is running"));
    expect(waiting()).toBe(1);
    writeRequest(runFolder(), ssh);
    lock.release();
    await running;
    expect(attempts).toMatchObject([{ right: "approved", person: false }]);
    expect(waiting()).toBe(0);
  });
});

describe("a run that was killed", () => {
  /** What a run leaves that is killed while it serves these. */
  const killed = async (...requests: Request[]) => {
    for (const request of requests) writeRequest(runFolder(), request);
    let left = "";
    during = () => (left = readFileSync(scratch.in("run/serving.json"), "utf8"));
    await run();
    expect(existsSync(scratch.in("run/serving.json"))).toBe(false);
    writeFileSync(scratch.in("run/serving.json"), left);
    attempts = [];
    during = () => undefined;
  };

  it.each([
    ["a request", "approved", false, false, [watch]],
    ["its timer", "head", false, true, []],
    ["a person, with systemctl", "head", true, false, []],
  ] as const)("for %s comes back with the same right", async (_, right, person, timer, requests) => {
    startedBySystemd({ timer });
    await killed(...requests);
    startedBySystemd({ restarts: 1 });
    await run();
    expect(attempts).toMatchObject([{ right, person }]);
  });

  it("keeps its right where a request comes before it is back", async () => {
    startedBySystemd({ timer: true });
    await killed();
    startedBySystemd({ restarts: 1 });
    writeRequest(runFolder(), watch);
    await run();
    expect(attempts).toMatchObject([{ right: "head", person: false }]);
  });

  it("gives nothing to a later run, where someone stopped it", async () => {
    startedBySystemd();
    await killed();
    writeRequest(runFolder(), watch);
    await run();
    expect(attempts).toMatchObject([{ right: "approved", person: false }]);
  });

  it("at its very end comes back as no person's, and goes to what is approved", async () => {
    startedBySystemd({ restarts: 1 });
    await run();
    expect(attempts).toMatchObject([{ right: "approved", person: false }]);
    expect(scratch.log).toContain("requested by itself, after a run that was killed (retry)");
  });

  it("is not confused by what it left half written", async () => {
    startedBySystemd({ restarts: 1 });
    for (const text of ['[{"trigger":"wat', '[{"trigger":"x","by":"","right":"head","person":true},1]', "{}"]) {
      writeFileSync(scratch.in("run/serving.json"), text);
      writeRequest(runFolder(), watch);
      await run();
    }
    expect(attempts.map(({ right }) => right)).toEqual(["approved", "approved", "approved"]);
  });

  it("by hand leaves what the service serves", async () => {
    writeServing(runFolder(), [requester("watch", "the watcher")]);
    await run();
    expect(existsSync(scratch.in("run/serving.json"))).toBe(true);
  });
});
