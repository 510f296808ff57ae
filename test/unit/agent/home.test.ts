/** The home's driver: what defers an update, and what it switches to. How a clone is looked at: unpushed-work.test.ts. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { activateHome } from "../../../agent/activation/home-activation";
import { runHome } from "../../../agent/commands/run-home";
import { dryRequest, type RunRequest } from "../../../agent/driver";
import * as engine from "../../../agent/engine";
import { HomeDriver } from "../../../agent/home/home";
import * as places from "../../../agent/home/home-place";
import { sinceBoot } from "../../../agent/host/time";
import { pendingRequests, writeRequest } from "../../../agent/requests";
import { writeServing } from "../../../agent/serving";
import { requester } from "../../../rules/decision/run-right";
import { stay } from "../../../rules/decision/decision";
import { Scratch } from "./scratch";

let scratch: Scratch;
let clone: string;

const git = (...args: string[]) =>
  execFileSync("git", ["-C", clone, "-c", "user.name=a", "-c", "user.email=a@example.com", ...args]);

beforeEach(() => {
  scratch = new Scratch();
  const origin = scratch.in("origin");
  clone = scratch.in("clone");
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", origin]);
  execFileSync("git", ["clone", "--quiet", origin, clone], { stdio: "ignore" });
  git("commit", "--quiet", "--allow-empty", "--message", "first");
  git("push", "--quiet", "origin", "HEAD:main");
});
afterEach(() => scratch.remove());

const driver = () =>
  new HomeDriver({
    ...places.homePlace(),
    stateFolder: scratch.in("state"),
    runFolder: scratch.in("run"),
    lockFile: scratch.in("lock"),
  });

/** Why an update may not go on. */
function obstacle(asked: Partial<RunRequest> = {}): Promise<string | undefined> {
  const settings = { attribute: "dev", branch: "main", directory: clone };
  return driver().obstacle({ ...stay("unchanged", ""), settings, retry: [] }, { ...dryRequest, ...asked });
}

it("lets a clean clone's home be updated", async () => {
  expect(await obstacle()).toBeUndefined();
});

it("defers an update for edits that are not committed, and says what to do", async () => {
  writeFileSync(`${clone}/home.nix`, "{ }");
  expect(await obstacle()).toContain("has edits that are not committed, such as home.nix: commit and push them");
  expect(await obstacle({ force: true })).toBeUndefined();
});

describe("while the manager of the user's units is starting", () => {
  /** A manager with these jobs that started 5 s ago, and has started when it is asked for the third time. */
  const starting = (units: string, completes = false) =>
    scratch.fake(
      "systemctl",
      `echo "$*" >>${scratch.in("asked")}
      case "$*" in
        *is-system-running)
          if ${completes} && [ $(grep -c is-system-running ${scratch.in("asked")}) -ge 3 ]; then echo running; else echo starting; fi ;;
        *list-jobs*) printf '1 %s start waiting\\n' ${units} ;;
        *show*) echo ${(sinceBoot() - 5000) * 1000} ;;
      esac`,
    );
  const patient = { once: false, dry: false };

  it("defers an update, since Home Manager would load none of its units", async () => {
    starting("nixos-hm-auto-update.service");
    const comesFirst = (asked: Partial<RunRequest>) => driver().comesFirst({ ...dryRequest, ...patient, ...asked });
    expect(await comesFirst({})).toBe("the manager of this user's units has not started yet");
    expect(await comesFirst({ force: true })).toBeUndefined();
    expect(await comesFirst({ once: true })).toBeUndefined();
  });

  it("waits a moment for other units first", async () => {
    starting("slow.service", true);
    expect(await driver().comesFirst({ ...dryRequest, ...patient })).toBeUndefined();
    expect(readFileSync(scratch.in("asked"), "utf8").match(/is-system-running/g)).toHaveLength(3);
  });

  it("makes the manager read the units of what is activated all the same", async () => {
    starting("slow.service");
    scratch.fake("activate", "echo User systemd daemon not running. Skipping reload.");
    mkdirSync(scratch.in("generation"));
    symlinkSync(scratch.in("bin/activate"), scratch.in("generation/activate"));
    expect(await activateHome(scratch.in("generation"), scratch.in("profile"), "x")).toEqual({ kind: "done" });
    expect(readFileSync(scratch.in("asked"), "utf8")).toContain("--user daemon-reload\n");
    expect(scratch.log).toContain("still starting: it knows the new units, and starts changed ones at the next login");
  });
});

describe("a manager of the user's units that does not answer", () => {
  afterEach(() => void vi.unstubAllEnvs());
  const healthError = async (failedBefore: string[] | undefined) => {
    vi.stubEnv("NIXOS_AUTO_UPDATE_SETTLE", "0");
    vi.stubEnv("NIXOS_AUTO_UPDATE_REACH", "0");
    scratch.fake("systemctl", "exit 1");
    const before = { reached: {}, ...(failedBefore === undefined ? {} : { failed: failedBefore }) };
    const trial = { path: scratch.in("new"), revision: "", lock: "", mode: "switch", boot: "", former: "" } as const;
    return driver().healthError({ ...trial, before });
  };

  it("after a switch makes the home unhealthy", async () =>
    expect(await healthError([])).toEqual({ error: "systemd of this user does not answer" }));

  it("does not if it did not answer before either: Home Manager needs none", async () => {
    scratch.fake("systemctl", "exit 1");
    expect(await driver().healthBefore()).toEqual({ reached: {} });
    expect(await healthError(undefined)).toBeUndefined();
  });
});

it("defers an update for commits that are not pushed", async () => {
  git("commit", "--quiet", "--allow-empty", "--message", "mine");
  expect(await obstacle()).toContain("has commits that are not pushed");
});

it("refuses a home without an agent, and a path that is not a Home Manager generation", async () => {
  const generation = scratch.in("generation");
  mkdirSync(generation);
  expect(await driver().refusal(generation)).toContain("not a Home Manager generation");
  writeFileSync(`${generation}/activate`, "");
  expect(await driver().refusal(generation)).toContain("services.nixos-hm-auto-update is not enabled in it");
  const units = `${generation}/home-files/.config/systemd/user`;
  mkdirSync(units, { recursive: true });
  symlinkSync("/nix/store/not-here", `${units}/nixos-hm-auto-update.service`);
  expect(await driver().refusal(generation)).toBeUndefined();
});

describe("a revision that failed in this home", () => {
  const revision = "b".repeat(40);
  const decided = (asked: Partial<RunRequest>) => {
    const refused = [{ revision, error: "boom", rolledBack: true, at: "" }];
    const situation = { homes: { revision }, settings: {}, alone: false, localHold: null };
    const state = { revision: "a".repeat(40), refused };
    return driver().decide({ ...situation, readable: true, current: "", state }, { ...dryRequest, ...asked }, {})
      .action;
  };

  it("is tried again where its user asks for a run, and not by itself", () => {
    expect(decided({})).toBe("stay");
    expect(decided({ person: true })).toBe("update");
  });

  it("is not tried over work that is not pushed", async () => {
    writeFileSync(`${clone}/home.nix`, "{ }");
    expect(await obstacle({ person: true })).toContain("has edits that are not committed");
  });
});

describe("a run", () => {
  const attempts: RunRequest[] = [];
  beforeEach(() => {
    attempts.length = 0;
    vi.spyOn(engine, "attempt").mockImplementation((_, request) => {
      attempts.push(request);
      return Promise.resolve({ well: true } as never);
    });
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  it("to a revision goes there once, and then where the machine has gone meanwhile", async () => {
    const times = [1, 2, 2];
    vi.spyOn(places, "homesPublishedAt").mockImplementation(() => times.shift() ?? 2);
    const wanted = "a".repeat(40);
    await runHome(driver(), { wanted, force: true, once: false });
    expect(attempts).toMatchObject([
      { wanted, force: true, person: true },
      { wanted: undefined, force: false, person: false },
    ]);
  });

  it("is its user's where the user starts it, and not where root, a timer or nothing known does", async () => {
    await runHome(driver(), { force: false, once: false });
    await runHome(driver(), { force: false, once: true, trigger: "watch", by: "the machine's agent" });
    vi.stubEnv("SYSTEMD_EXEC_PID", String(process.pid));
    vi.stubEnv("TRIGGER_UNIT", "");
    scratch.fake("systemctl", "echo");
    await runHome(driver(), { force: false, once: false });
    expect(attempts).toMatchObject([
      { right: "head", person: true },
      { right: "head", person: false },
      { right: "head", person: false },
    ]);
  });

  it("of the service serves a request that comes meanwhile, one by hand leaves it to the service", async () => {
    const meanwhile = () => {
      vi.mocked(engine.attempt).mockImplementationOnce((_, request) => {
        attempts.push(request);
        writeRequest(scratch.in("run"), { trigger: "manual", by: "carol" });
        return Promise.resolve({ well: true } as never);
      });
    };
    scratch.fake("systemctl", "echo");
    meanwhile();
    await runHome(driver(), { force: false, once: false });
    expect(attempts).toHaveLength(1);
    expect(pendingRequests(scratch.in("run"))).toHaveLength(1);

    attempts.length = 0;
    vi.stubEnv("SYSTEMD_EXEC_PID", String(process.pid));
    vi.stubEnv("TRIGGER_UNIT", "");
    meanwhile();
    await runHome(driver(), { force: false, once: false });
    expect(scratch.log).toContain("update of this home requested by carol");
    expect(attempts).toMatchObject([
      { right: "head", person: true },
      { right: "head", person: true },
    ]);
    expect(pendingRequests(scratch.in("run"))).toEqual([]);
  });

  it("of the service serves a timer that fires meanwhile", async () => {
    vi.stubEnv("SYSTEMD_EXEC_PID", String(process.pid));
    vi.stubEnv("TRIGGER_UNIT", "");
    const [started, fired] = ["10:05:01.0", "10:05:02.0"].map((time) => `Tue 2026-11-24 ${time} UTC`);
    scratch.fake("systemctl", `printf '%s\\n' "ExecMainStartTimestamp=${started}" "" "LastTriggerUSec=${fired}" "" ""`);
    await runHome(driver(), { trigger: "watch", by: "root", force: false, once: false });
    expect(attempts).toHaveLength(1);
    await runHome(driver(), { force: false, once: false });
    expect(attempts).toHaveLength(3);
    expect(scratch.log).toContain("meanwhile requested by its timer after boot");
  });

  it("that was killed comes back with the same right", async () => {
    vi.stubEnv("SYSTEMD_EXEC_PID", String(process.pid));
    vi.stubEnv("TRIGGER_UNIT", "");
    scratch.fake("systemctl", "echo NRestarts=1");
    writeServing(scratch.in("run"), [requester("retry", "itself", "approved")]);
    await runHome(driver(), { force: false, once: false });
    expect(attempts).toMatchObject([{ right: "approved" }]);
  });
});
