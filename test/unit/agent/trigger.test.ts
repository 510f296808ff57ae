/** What started a run that no request explains. */
import { existsSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { latestTimer, timersDuringRun, whoStarted } from "../../../agent/trigger";
import { requester } from "../../../rules/decision/run-right";
import { Scratch } from "./scratch";

let scratch: Scratch;
beforeEach(() => (scratch = new Scratch()));
afterEach(() => {
  vi.unstubAllEnvs();
  scratch.remove();
});

const at = (time: string) => (time === "" ? "" : `Tue 2026-11-24 ${time} UTC`);

describe("a run was started by", () => {
  it.each([
    ["its timer, in the first run ever", { ended: "", boot: "10:05:00.000001", schedule: "" }, "boot"],
    ["its timer, after a run", { ended: "10:01:00.000000", boot: "10:05:00.000001", schedule: "" }, "boot"],
    ["its schedule, which fired last", { ended: "10:06:00.0", boot: "10:05:00.0", schedule: "11:00:00.0" }, "schedule"],
    ["both since the last run", { ended: "10:01:00.0", boot: "10:05:00.0", schedule: "10:05:01.0" }, "schedule"],
    [
      "no timer: both fired before the last run",
      { ended: "12:00:00.0", boot: "10:05:00.0", schedule: "11:00:00.0" },
      undefined,
    ],
    ["no timer: none ever fired", { ended: "", boot: "", schedule: "" }, undefined],
  ])("%s", (_, { ended, boot, schedule }, fired) => {
    expect(latestTimer(at(ended), at(boot), at(schedule))).toBe(fired);
  });
});

const who = () => whoStarted({ manager: "user", service: "x", runFolder: scratch.in("run") });
const bySystemd = () => vi.stubEnv("SYSTEMD_EXEC_PID", String(process.pid));

function dueRetry(): void {
  writeFileSync(scratch.in("run/retry-due"), "");
  writeFileSync(scratch.in("run/retry"), "3 no network\n");
  writeFileSync(scratch.in("run/retry-right"), "approved\n");
}

it("systemd is asked which timer fired", async () => {
  bySystemd();
  vi.stubEnv("TRIGGER_UNIT", "x.path");
  scratch.fake(
    "systemctl",
    // A timer has a time that it ended at as well, which tells nothing.
    `[[ $* == "--user show --timestamp=us+utc "*" -- x.service x.timer x-schedule.timer" ]] || exit 1
    printf '%s\\n' "InactiveEnterTimestamp=${at("10:01:00.0")}" "" \\
      "InactiveEnterTimestamp=${at("23:00:00.0")}" "LastTriggerUSec=${at("10:05:00.0")}" "" "LastTriggerUSec="`,
  );
  expect(await who()).toEqual([requester("boot", "its timer after boot")]);
});

it("the timer after boot gives the right of a boot once: a switch that changes it starts it again", async () => {
  bySystemd();
  vi.stubEnv("TRIGGER_UNIT", "x.timer");
  scratch.fake("systemctl", `printf '%s\\n' "InactiveEnterTimestamp=" "" "LastTriggerUSec=${at("10:05:00.0")}" "" ""`);
  expect(await who()).toMatchObject([{ trigger: "boot", right: "head", person: false }]);
  expect(await who()).toMatchObject([{ trigger: "boot", right: "approved", person: false }]);
});

it("the timer after boot that fires again during a run gives it no right of a boot either", async () => {
  const fires = (time: string) =>
    scratch.fake(
      "systemctl",
      `printf '%s\\n' "ExecMainStartTimestamp=${at("10:00:00.0")}" "" "LastTriggerUSec=${at(time)}" "" ""`,
    );
  const fired = timersDuringRun({ manager: "user", service: "x", runFolder: scratch.in("run") });
  fires("10:05:00.0");
  expect(await fired()).toMatchObject([{ right: "head" }]);
  fires("10:07:00.0");
  expect(await fired()).toMatchObject([{ right: "approved" }]);
});

it("systemd is not asked where no timer has ever started the service", async () => {
  bySystemd();
  vi.stubEnv("TRIGGER_UNIT", "");
  scratch.fake("systemctl", `touch ${scratch.in("asked")}`);
  expect(await who()).toEqual([]);
  expect(existsSync(scratch.in("asked"))).toBe(false);
});

it("a retry is shown before any timer, with what it repeats", async () => {
  bySystemd();
  vi.stubEnv("TRIGGER_UNIT", "x.timer");
  dueRetry();
  expect(await who()).toEqual([requester("retry", "itself, trying again: no network", "approved")]);
});

it.each([
  ["at a shell", undefined],
  ["at a shell that some service started", "1"],
])("a person %s is a person, and leaves a due retry to the service", async (_, systemdStarted) => {
  vi.stubEnv("SYSTEMD_EXEC_PID", systemdStarted);
  vi.stubEnv("SUDO_USER", "carol");
  dueRetry();
  expect(await who()).toEqual([requester("manual", "carol")]);
  expect(existsSync(scratch.in("run/retry-due"))).toBe(true);
});
