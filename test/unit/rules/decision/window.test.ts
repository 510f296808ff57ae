/** Windows, by tables and properties. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isInWindow,
  nextOpening,
  parseRange,
  parseRebootWindow,
  parseWindow,
  windowState,
  type WindowRange,
} from "../../../../rules/decision/window";

const ranges = (...texts: string[]) => texts.map(parseRange);
// 2026-11-28 is a Saturday.
const at = (text: string) => new Date(text);

describe("a range", () => {
  it.each<[string, WindowRange]>([
    ["22:00-05:00", { days: [0, 1, 2, 3, 4, 5, 6], from: 1320, to: 300 }],
    ["Mon..Fri 22:00-05:00", { days: [1, 2, 3, 4, 5], from: 1320, to: 300 }],
    ["Fri..Mon 8:00-24:00", { days: [0, 1, 5, 6], from: 480, to: 1440 }],
    ["sat,Sunday 00:00 - 23:59 UTC", { days: [0, 6], from: 0, to: 1439, zone: "UTC" }],
    ["Tue,Thu..Sat 03:00-04:30 Europe/Berlin", { days: [2, 4, 5, 6], from: 180, to: 270, zone: "Europe/Berlin" }],
  ])("%s is read", (text, range) => {
    expect(parseRange(text)).toEqual(range);
  });

  it.each([
    ["", "not a range"],
    ["22:00", "not a range"],
    ["25:00-05:00", "not a time of day"],
    ["24:00-05:00", "not a time of day"],
    ["10:60-11:00", "not a time of day"],
    ["05:00-05:00", "ends where it begins"],
    ["Mo..Fr 22:00-05:00", "unknown weekday"],
    ["Mon..Tue..Wed 22:00-05:00", "unknown weekday"],
    ["22:00-05:00 Berlin/Europe", "unknown time zone"],
  ])("%j is refused", (text, why) => {
    expect(() => parseRange(text)).toThrow(why);
    expect(() => parseRange(text)).toThrow(`window ${JSON.stringify(text)}: `);
  });
});

describe("a window", () => {
  const nights = ranges("Mon..Fri 22:00-05:00 UTC");

  it.each([
    ["a weekday's evening", "2026-11-27T22:00:00Z", true],
    ["the night after it", "2026-11-28T04:59:59Z", true],
    ["its end", "2026-11-28T05:00:00Z", false],
    ["a Saturday's evening", "2026-11-28T23:00:00Z", false],
    ["a Monday's early morning, which belongs to Sunday", "2026-11-30T03:00:00Z", false],
  ])("is open or closed at %s", (_, time, open) => {
    expect(isInWindow(nights, at(time))).toBe(open);
  });

  it.each([
    ["2026-11-28T12:00:00Z", nights, "2026-11-30T22:00:00.000Z"],
    ["2026-11-27T21:59:30Z", nights, "2026-11-27T22:00:00.000Z"],
    ["2026-11-27T22:30:30Z", nights, "2026-11-27T22:30:30.000Z"],
    ["2026-11-28T12:00:00Z", [...nights, ...ranges("Sun 01:00-02:00 UTC")], "2026-11-29T01:00:00.000Z"],
    // Summer time begins on 2026-03-29: 03:00 follows 01:59 in Berlin, and the range has half an hour left.
    ["2026-03-28T12:00:00Z", ranges("02:00-03:30 Europe/Berlin"), "2026-03-29T01:00:00.000Z"],
    // It ends on 2026-10-25, when 02:00 to 03:00 is there twice.
    ["2026-10-25T00:59:00Z", ranges("02:00-03:00 Europe/Berlin"), "2026-10-25T00:59:00.000Z"],
    ["2026-10-24T12:00:00Z", ranges("02:00-03:00 Europe/Berlin"), "2026-10-25T00:00:00.000Z"],
  ])("opens next after %s", (time, window, opens) => {
    expect(nextOpening(window, at(time))?.toISOString()).toBe(opens);
  });

  it("opens a week later where the clocks skip it", () => {
    expect(nextOpening(ranges("Sun 02:15-02:45 Europe/Berlin"), at("2026-03-28T12:00:00Z"))?.toISOString()).toBe(
      "2026-04-05T00:15:00.000Z",
    );
  });

  const anyRange = fc
    .record({
      days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
      from: fc.integer({ min: 0, max: 1439 }),
      to: fc.integer({ min: 0, max: 1440 }),
      zone: fc.constantFrom("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"),
    })
    .filter(({ from, to }) => from !== to);
  const anyTime = fc.date({ min: at("2026-01-01T00:00:00Z"), max: at("2027-12-31T00:00:00Z"), noInvalidDate: true });

  it("is open when it opens, and closed in every minute before", () => {
    fc.assert(
      fc.property(fc.array(anyRange, { minLength: 1, maxLength: 3 }), anyTime, (window, time) => {
        const opens = nextOpening(window, time);
        if (opens === undefined) return;
        expect(isInWindow(window, opens)).toBe(true);
        for (let before = time.getTime(); before < opens.getTime(); before += 60_000)
          expect(isInWindow(window, new Date(before))).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});

describe("an update", () => {
  const input = {
    window: parseWindow(["Sun 02:00-04:00 UTC"]),
    now: at("2026-11-28T12:00:00Z"),
    urgent: false,
    person: false,
  };
  const day = 24 * 3600 * 1000;

  it("waits for its window, and says until when", () => {
    expect(windowState(input)).toEqual({ open: false, until: at("2026-11-29T02:00:00Z") });
  });

  it.each([
    ["no window is set", { window: parseWindow(undefined) }],
    ["its list of ranges is empty", { window: parseWindow([]) }],
    ["it is open", { now: at("2026-11-29T02:00:00Z") }],
    ["a person asks", { person: true }],
    ["the approval is urgent", { urgent: true }],
    ["it has waited for as long as it may", { waitingSince: at("2026-11-21T12:00:00Z"), deadline: 7 * day }],
  ])("goes on where %s", (_, changed) => {
    expect(windowState({ ...input, ...changed })).toEqual({ open: true });
  });

  it("waits no longer than its deadline", () => {
    const waiting = { ...input, waitingSince: at("2026-11-28T11:00:00Z"), deadline: 2 * 3600 * 1000 };
    expect(windowState(waiting)).toEqual({ open: false, until: at("2026-11-28T13:00:00Z") });
    expect(windowState({ ...input, deadline: 3600 * 1000 })).toEqual({
      open: false,
      until: at("2026-11-28T13:00:00Z"),
    });
  });
});

describe("a window of which a range cannot be read", () => {
  const wrong = ["Sun 02:00-04:00 UTC", "Mon..Fri 22:00-05:00 Europe/Berlim"];
  const day = 24 * 3600 * 1000;
  // A Sunday's night, inside the range that can be read.
  const input = { window: parseWindow(wrong), now: at("2026-11-29T03:00:00Z"), urgent: false, person: false };

  it("is closed at every time, and says why", () => {
    const unreadable = expect.stringContaining('Berlim": unknown time zone "Europe/Berlim"') as string;
    expect(windowState(input)).toEqual({ open: false, unreadable });
    expect(windowState({ ...input, now: at("2026-11-30T22:00:00Z") })).toEqual({ open: false, unreadable });
    expect(windowState({ ...input, deadline: day })).toEqual({
      ...{ open: false, unreadable },
      until: at("2026-11-30T03:00:00Z"),
    });
  });

  it.each([
    ["a person asks", { person: true }],
    ["the approval is urgent", { urgent: true }],
    ["an update has waited for as long as it may", { waitingSince: at("2026-11-27T12:00:00Z") }],
  ])("is no obstacle where %s", (_, changed) => {
    expect(windowState({ ...input, deadline: day, ...changed })).toEqual({ open: true });
  });

  it.each([["22:00-05:00"], [{}], [[7]], [""], [[""]], [false]])("is closed also where it is %j", (value) => {
    expect(windowState({ ...input, window: parseWindow(value) })).toMatchObject({ open: false });
  });

  it.each([["01:00"], [{ lower: "01:00" }], [{ lower: "1", upper: "2" }], [{ lower: "01:00", upper: "01:00" }]])(
    "is closed also where the one for reboots is %j",
    (value) => {
      expect(windowState({ ...input, window: parseRebootWindow(value) })).toMatchObject({ open: false });
    },
  );
});

it("a window for reboots is one range", () => {
  expect(parseRebootWindow({ lower: "01:00", upper: "05:00" })).toEqual(parseWindow(["01:00-05:00"]));
  expect([parseRebootWindow(null), parseRebootWindow(undefined)]).toEqual([{ ranges: [] }, { ranges: [] }]);
});
