/** Reboots that a hold prevents: the agent's real decisions, with a shutdown that only writes down its arguments. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tellTerminals } from "../../../../agent/activation/notice";
import { reboot, rebootAfterRun } from "../../../../agent/commands/reboot";
import { acquireLock } from "../../../../agent/host/lock";
import type { SystemDriver } from "../../../../agent/system/system";
import { rebootIfAllowed, type RebootPlace } from "../../../../agent/activation/reboot";
import { rebootPlaceOf } from "../../../../agent/system/deferrals";
import { writeTrial } from "../../../../agent/state";
import { refuse, held, stay, type Decision } from "../../../../rules/decision/decision";
import { Scratch } from "../scratch";
import { standInPlace } from "../stand-in-driver";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  scratch.fake(
    "shutdown",
    `printf '%s\\n' "$*" >>${scratch.in("shutdowns")}; echo "USEC=1 MODE=reboot" >${scratch.in("scheduled")}`,
  );
  scratch.fake("systemd-run", `printf '%s\\n' "$*" >>${scratch.in("shown")}`);
});
afterEach(() => scratch.remove());

function placeFor(decision: Decision): RebootPlace {
  const settings = { host: "dev", branch: "main", directory: "", follow: "branch" as const, homes: [] };
  const asked = { ...settings, allowReboot: true, rebootWithUsers: true };
  return rebootPlaceOf(standInPlace(scratch), { ...decision, settings: asked, retry: [], notes: [] });
}

const shutdowns = () => (existsSync(scratch.in("shutdowns")) ? readFileSync(scratch.in("shutdowns"), "utf8") : "");
const noted = () => existsSync(scratch.in("run/reboot-required"));
const ask = (decision: Decision, required = true) =>
  rebootIfAllowed(placeFor(decision), required, scratch.in("scheduled"));

it("comes where nothing holds the machine", async () => {
  await ask(stay("unchanged", "running it"));
  expect(shutdowns()).toContain("-r +1");
});

it.each<[string, Decision]>([
  ["is held", held({ by: "carol", why: "demo at 3" })],
  [
    "cannot know whether it is held",
    { ...stay("deferred", "no answer"), transient: true, waiting: { for: "metadata" } },
  ],
])("does not come where the machine %s, and stays noted", async (_, decision) => {
  await ask(decision);
  expect(shutdowns()).toBe("");
  expect(noted()).toBe(true);
  expect(scratch.log).toContain(`a reboot is required; ${decision.reason}`);
});

it("comes where the revision failed here and the gate's hold follows from that: it is the way back", async () => {
  await ask(refuse("held by a gate", { revision: "a".repeat(40), error: "", rolledBack: true, at: "" }));
  expect(shutdowns()).toContain("-r +1");
});

it("is called off if a hold comes during its notice, but only if the agent scheduled it", async () => {
  await ask(held({ by: "carol" }));
  expect(shutdowns()).toBe("");
  await ask(stay("unchanged", "running it"));
  writeFileSync(scratch.in("scheduled"), "USEC=2 MODE=poweroff\n");
  await ask(held({ by: "carol" }));
  expect(shutdowns()).not.toContain("-c");
  writeFileSync(scratch.in("scheduled"), "USEC=1 MODE=reboot\n");
  await ask(held({ by: "carol" }));
  expect(shutdowns()).toMatch(/^-r [^\n]*\n-c\n$/);
});

it("is called off if nothing needs it any more, but only if the agent scheduled it", async () => {
  const running = stay("unchanged", "running it");
  await ask(running, false);
  await ask(running);
  writeFileSync(scratch.in("scheduled"), "USEC=2 MODE=poweroff\n");
  await ask(running, false);
  expect(shutdowns()).not.toContain("-c");
  writeFileSync(scratch.in("scheduled"), "USEC=1 MODE=reboot\n");
  await ask(running, false);
  expect(shutdowns()).toMatch(/^-r [^\n]*\n-c\n$/);
  expect(scratch.log).toContain("calling off the reboot: nothing needs it any more");
});

it("does not come in place of a shutdown that a person scheduled, which stays as it is", async () => {
  writeFileSync(scratch.in("scheduled"), "USEC=9 MODE=poweroff\n");
  await ask(stay("unchanged", "running it"));
  expect(shutdowns()).toBe("");
  expect(readFileSync(scratch.in("scheduled"), "utf8")).toBe("USEC=9 MODE=poweroff\n");
  expect(noted()).toBe(true);
});

it("is not put off by a later run: its notice is given once", async () => {
  for (let run = 0; run < 3; run++) await ask(stay("unchanged", "running it"));
  expect(shutdowns().match(/^-r /gm)).toHaveLength(1);
});

it("is announced at the terminals of people, whether or not logind knows their sessions", async () => {
  await ask(stay("unchanged", "running it"));
  const message = "This machine reboots in a minute to finish an update.";
  expect(readFileSync(scratch.in("shown"), "utf8")).toContain(`tell ${message} /dev/pts`);

  scratch.fake("systemd-run", 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"');
  const pts = scratch.in("pts");
  mkdirSync(pts);
  // Terminal 1 is root's.
  scratch.fake("stat", "case $3 in */1) echo 0 ;; *) echo 1000 ;; esac");
  const names = ["0", "1", "12", "ptmx"];
  for (const name of names) writeFileSync(join(pts, name), "");
  execFileSync("mkfifo", [join(pts, "7")]);
  await tellTerminals(message, pts);
  const reached = names.filter((name) => readFileSync(join(pts, name), "utf8") === `\r\n${message}\r\n`);
  expect(reached).toEqual(["0", "12"]);
});

describe("a reboot that waits for people", () => {
  const deadline = { allowReboot: true, rebootWithUsers: false, rebootDeadline: 2 * 3600 };
  const waiting = () => {
    const place = placeFor(stay("unchanged", "running it"));
    return { ...place, settings: { ...place.settings, ...deadline } };
  };
  const again = () => rebootIfAllowed(waiting(), true, scratch.in("scheduled"));
  const file = () => scratch.in("run/reboot-required");
  const age = (hours: number) => utimesSync(file(), new Date(), new Date(Date.now() - hours * 3_600_000));

  // A logind that does not answer.
  beforeEach(() => scratch.fake("loginctl", "exit 1"));

  it("counts its deadline from when a reboot became required, whatever was deployed since", async () => {
    const update = { path: "/x", revision: "1", lock: "", mode: "boot", boot: "1", former: "" } as const;
    const before = { failed: [], reached: {} };
    await again();
    age(1);
    await again();
    expect(shutdowns()).toBe("");
    age(2);
    writeTrial(scratch.in("state"), { ...update, before, kept: true, since: new Date().toISOString() });
    await again();
    expect(shutdowns()).toMatch(/^-r \+15 /);
  });

  it("counts from now after the clock was set back", async () => {
    await again();
    age(-1);
    await again();
    expect(statSync(file()).mtimeMs).toBeLessThanOrEqual(Date.now());
    expect(shutdowns()).toBe("");
  });
});

describe("a driver that asks for a reboot", () => {
  const driver = (latest: Decision) =>
    ({
      ...{ place: standInPlace(scratch), prepare: () => undefined, rebootPlace: placeFor },
      decideNow: () => Promise.resolve(latest),
      needsReboot: () => Promise.resolve(true),
    }) as unknown as SystemDriver;
  const running = stay("unchanged", "running it");

  it("gets none from the timer while an update runs", async () => {
    const lock = await acquireLock(scratch.in("lock"), "an update");
    expect(await reboot(driver(running))).toBe(0);
    expect(shutdowns()).toBe("");
    lock.release();
    await reboot(driver(running));
    expect(shutdowns()).toContain("-r +1");
  });

  it("gets none after a run if a hold came during the run", async () => {
    const ending = { outcome: "updated", rolledBack: false } as const;
    await rebootAfterRun(driver(held({ by: "carol" })), running as never, ending);
    expect(shutdowns()).toBe("");
    expect(noted()).toBe(true);
    await rebootAfterRun(driver(running), running as never, ending);
    expect(shutdowns()).toContain("-r +1");
  });
});
