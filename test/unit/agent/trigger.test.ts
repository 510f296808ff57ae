import { afterEach, beforeEach, expect, it } from "vitest";
import { Bench } from "./bash";

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

const at = (time: string) => (time === "" ? "" : `Tue 2026-11-24 ${time} UTC`);

it.each([
  ["its timer, in the first run ever", { ended: "", boot: "10:05:00.000001", schedule: "" }, "boot"],
  ["its timer, after a run", { ended: "10:01:00.000000", boot: "10:05:00.000001", schedule: "" }, "boot"],
  ["its schedule, which fired last", { ended: "10:06:00.0", boot: "10:05:00.0", schedule: "11:00:00.0" }, "schedule"],
  ["both since the last run", { ended: "10:01:00.0", boot: "10:05:00.0", schedule: "10:05:01.0" }, "schedule"],
  ["nobody: both fired before the last run", { ended: "12:00:00.0", boot: "10:05:00.0", schedule: "11:00:00.0" }, ""],
  ["nobody: no timer ever fired", { ended: "", boot: "", schedule: "" }, ""],
])("tells that it was %s", (_, times, fired) => {
  bench.fake(
    "systemctl",
    // A timer has a time that it ended at as well, which tells nothing.
    `printf '%s\\n' "InactiveEnterTimestamp=${at(times.ended)}" "" \\
      "InactiveEnterTimestamp=${at("23:00:00.0")}" "LastTriggerUSec=${at(times.boot)}" "" "LastTriggerUSec=${at(times.schedule)}"`,
  );
  const { stdout, status } = bench.run(["trigger"], "service=x manager=(--user) TRIGGER_UNIT=x.path; fired_timer");
  expect({ stdout, status }).toEqual({ stdout: fired === "" ? "" : `${fired}\n`, status: 0 });
});

it("asks nobody where systemd did not start the run", () => {
  bench.fake("systemctl", "touch asked; exit 1");
  expect(bench.run(["trigger"], "service=x manager=(); unset TRIGGER_UNIT; fired_timer")).toMatchObject({
    status: 0,
    stdout: "",
  });
});
