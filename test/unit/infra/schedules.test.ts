/** When VMs are started and stopped: the times, and which VM follows which schedule. */
import { describe, expect, it } from "vitest";
import { apart, minutesOfWeek, WEEK } from "../../../infra/config/vms/cron";
import { checkSettings } from "./check-settings";

const at = (day: number, hour: number, minute = 0) => (day * 24 + hour) * 60 + minute;

describe("a time of the week", () => {
  it.each([
    ["0 7 * * 1", [at(1, 7)]],
    ["0 7 * * mon", [at(1, 7)]],
    ["30 18 * * 1-3", [at(1, 18, 30), at(2, 18, 30), at(3, 18, 30)]],
    ["0 7 * * MON-WED", [at(1, 7), at(2, 7), at(3, 7)]],
    ["0 7 * * 7", [at(0, 7)]],
    ["0 7 * * 0,7", [at(0, 7)]],
    ["0 7 * * 5,1", [at(1, 7), at(5, 7)]],
    ["0,15 7 * * 1", [at(1, 7), at(1, 7, 15)]],
    ["0 8-12/2 * * 1", [at(1, 8), at(1, 10), at(1, 12)]],
    ["0 */12 * * 1", [at(1, 0), at(1, 12)]],
    ["  0   7  *  *  1 ", [at(1, 7)]],
  ])("%s is understood", (written, minutes) => expect(minutesOfWeek(written)).toEqual(minutes));

  it("is every day with *", () => expect(minutesOfWeek("0 7 * * *")).toHaveLength(7));

  it.each([
    "",
    "0 7 * *",
    "0 7 * * 1 2026",
    "@daily",
    "60 7 * * 1",
    "0 24 * * 1",
    "0 7 1 * 1",
    "0 7 * 6 1",
    "0 7 * * 8",
    "0 7 * * 5-1",
    "0 7 * * fr",
    "0 7 * * 1-",
    "0 7 * * 1,",
    "0 7 * * -1",
    "0 7/2 * * 1",
    "0 */0 * * 1",
    "x 7 * * 1",
    "7:00",
  ])("%j is none", (written) => expect(minutesOfWeek(written)).toBeUndefined());

  it("is as far from another as the week allows", () => {
    expect(apart([at(1, 7)], [at(1, 7, 10), at(3, 0)])).toBe(10);
    expect(apart([0], [WEEK - 5])).toBe(5);
    expect(apart([], [1])).toBe(Infinity);
  });
});

const office = { name: "office", start: "0 7 * * 1-5", stop: "0 20 * * 1-5", timeZone: "Europe/Brussels" };

function check(schedules: object[], more: Record<string, unknown> = {}) {
  return checkSettings({
    vms: [{ name: "a", labels: { site: "ghent" } }, { name: "b" }, { name: "c" }],
    waves: [
      { name: "canary", vms: ["a"] },
      { name: "all", rest: true },
    ],
    schedules,
    ...more,
  });
}

/** Which schedule each VM follows, or what is wrong. */
function follows(schedules: object[], more: Record<string, unknown> = {}) {
  const { config, mistakes } = check(schedules, more);
  return config?.vms.map(({ schedule }) => schedule ?? null) ?? mistakes;
}

describe("a schedule", () => {
  it.each([
    [{ vms: ["a", "c"] }, ["office", null, "office"]],
    [{ labels: { site: "ghent" } }, ["office", null, null]],
    [{ labels: {} }, ["office", "office", "office"]],
    [{ waves: ["all"] }, [null, "office", "office"]],
    [{ waves: ["all", "canary"] }, ["office", "office", "office"]],
    [{ rest: true }, ["office", "office", "office"]],
  ])("with %j is followed by %j", (group, expected) => expect(follows([{ ...office, ...group }])).toEqual(expected));

  it("for the rest leaves the others to theirs, wherever it stands", () => {
    const late = { ...office, name: "late", vms: ["b"] };
    expect(follows([{ ...office, rest: true }, late])).toEqual(["office", "late", "office"]);
    expect(follows([late, { ...office, rest: true }])).toEqual(["office", "late", "office"]);
  });

  it("finds VMs by the labels that all have", () =>
    expect(follows([{ ...office, labels: { team: "x" } }], { defaults: { labels: { team: "x" } } })).toEqual([
      "office",
      "office",
      "office",
    ]));

  it("is not there unless the stack says so", () => expect(follows([])).toEqual([null, null, null]));

  const all = { ...office, rest: true };
  it.each<[string, object[], string[]]>([
    [
      "a bad cron",
      [{ ...all, start: "7:00" }],
      ['schedules[0].start: "7:00" must be MINUTE HOUR * * DAYS as cron has them, such as "0 7 * * 1-5"'],
    ],
    [
      "an unknown time zone",
      [{ ...all, timeZone: "Europe/Gent" }],
      ['schedules[0].timeZone: "Europe/Gent" must be a time zone of the tz database such as Europe/Brussels'],
    ],
    [
      "a time zone in other letters",
      [{ ...all, timeZone: "europe/brussels" }],
      ['schedules[0].timeZone: "europe/brussels" must be a time zone of the tz database such as Europe/Brussels'],
    ],
    [
      "an offset",
      [{ ...all, timeZone: "+01:00" }],
      ['schedules[0].timeZone: "+01:00" must be a time zone of the tz database such as Europe/Brussels'],
    ],
    [
      "no time zone",
      [{ ...all, timeZone: undefined }],
      ["schedules[0].timeZone: must be set: a time zone of the tz database such as Europe/Brussels"],
    ],
    [
      "no time",
      [{ ...all, start: undefined, stop: undefined }],
      ['schedules[0]: {"name":"office","timeZone":"Europe/Brussels","rest":true} must have a start, a stop or both'],
    ],
    [
      "a stop too soon after a start",
      [{ ...all, start: "0 7 * * 1-5", stop: "10 7 * * 5" }],
      [expect.stringMatching(/^schedules\[0\]: .* must have 15 minutes between start and stop at least/) as string],
    ],
    [
      "the same name twice",
      [
        { ...office, vms: ["a"] },
        { ...office, vms: ["b"] },
      ],
      ['schedules[1].name: "office" is used twice; names of schedules are unique'],
    ],
    [
      "no VM",
      [{ ...office, labels: { site: "bruges" } }],
      ['schedules[0]: "office" has no VM; give it one or remove it'],
    ],
    ["an unknown VM", [{ ...office, vms: ["zoe"] }], ['schedules[0].vms: "zoe" is not a VM of this fleet']],
    ["an unknown wave", [{ ...office, waves: ["zoe"] }], ['schedules[0].waves: "zoe" is not a wave with a VM']],
    [
      "a VM in two",
      [
        { ...office, vms: ["a"] },
        { ...office, name: "ghent", labels: { site: "ghent" } },
      ],
      ['schedules[1]: "a" follows "office" already; a VM follows one schedule'],
    ],
    ["nobody", [office], ['schedules[0]: "office" must have one of vms, labels, waves and rest: true']],
    [
      "two ways to say who",
      [{ ...office, vms: ["a"], waves: ["all"] }],
      ['schedules[0]: "office" must have one of vms, labels, waves and rest: true'],
    ],
  ])("with %s is refused in one line", (_, schedules, lines) => {
    expect(check(schedules).mistakes.map((line) => line.replace(/^nixos-fleet:/, ""))).toEqual(lines);
  });

  it.each(["UTC", "America/Argentina/Buenos_Aires", "Asia/Calcutta", "Etc/GMT+5"])("may be in %s", (timeZone) =>
    expect(check([{ ...all, timeZone }]).mistakes).toEqual([]),
  );

  it("may have a stop alone", () => expect(check([{ ...all, start: undefined }]).mistakes).toEqual([]));

  it("takes a thousand VMs", () => {
    const vms = Array.from({ length: 1001 }, (_, i) => ({ name: `vm-${i}` }));
    expect(check([all], { vms, waves: undefined }).mistakes).toEqual([
      "nixos-fleet:schedules[0]: 1001 VMs are too many; Compute takes 1000 a schedule",
    ]);
  });
});
