/** The window of a VM: how long one update waits for it. When a window is open: rules/decision/window.test.ts. */
import { existsSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Ending } from "../../../agent/ending";
import { deferredByTurn, deferredByWindow } from "../../../agent/system/deferrals";
import { endWindowWait, rebootWindows, updateWindow } from "../../../agent/system/window";
import type { SystemDecision } from "../../../rules/decision/decide-system";
import type { Metadata } from "../../../rules/metadata";
import type { Right } from "../../../rules/decision/run-right";
import { Scratch } from "./scratch";
import { standInPlace } from "./stand-in-driver";

const [first, second] = ["1".repeat(40), "2".repeat(40)] as const;
const settings = { window: ["03:00-04:00 UTC"], windowDeadline: 24 * 3600 };

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 1, 12) });
});
afterEach(() => {
  vi.useRealTimers();
  scratch.remove();
});

const window = (revision: string, more: { urgent?: boolean; person?: boolean; right?: Right } = {}) =>
  updateWindow(scratch.in("state"), { revision, settings, urgent: false, person: false, right: "approved", ...more });
const end = (ending: Partial<Ending>, right: Right = "approved") =>
  endWindowWait(scratch.in("state"), right, { outcome: "deferred", rolledBack: false, ...ending });
const isWaiting = () => existsSync(scratch.in("state/waiting-since"));
const passHours = (hours: number) => vi.setSystemTime(Date.now() + hours * 3_600_000);

describe("an update outside of the window", () => {
  it("waits for its deadline at most", () => {
    expect(window(first)).toMatchObject({ open: false });
    passHours(23);
    expect(window(first)).toEqual({ open: false, until: new Date(Date.UTC(2026, 0, 2, 12)) });
    passHours(1);
    expect(window(first)).toEqual({ open: true });
  });

  it("waits no longer because a newer one replaces it", () => {
    window(first);
    end({ retry: "window" });
    passHours(23);
    expect(window(second)).toEqual({ open: false, until: new Date(Date.UTC(2026, 0, 2, 12)) });
    passHours(1);
    expect(window(second)).toEqual({ open: true });
  });

  it("stays past its deadline until it has been activated, though something else is in the way", () => {
    window(first);
    passHours(24);
    expect(window(first)).toMatchObject({ open: true });
    end({ outcome: "failed", cause: "network", retry: "no network" });
    end({ passes: true });
    expect(window(first)).toEqual({ open: true });
    end({ outcome: "updated" });
    expect(window(second)).toMatchObject({ open: false });
  });

  it.each<[string, Partial<Ending>]>([
    ["is taken back", { outcome: "unchanged" }],
    ["is there", { outcome: "updated" }],
    ["is refused", { outcome: "failed", refuse: first }],
    ["is held", { outcome: "held" }],
  ])("waits no more when it %s, so that another is not past its deadline", (_, ending) => {
    window(first);
    expect(isWaiting()).toBe(true);
    end(ending);
    expect(isWaiting()).toBe(false);
    passHours(21 * 24);
    expect(window(second)).toMatchObject({ open: false });
  });

  it("to the branch's head still waits after a run that may not go there", () => {
    window(first, { right: "head" });
    window(first, { right: "approved" });
    end({ outcome: "unchanged" }, "approved");
    expect(isWaiting()).toBe(true);
    end({ outcome: "unchanged" }, "head");
    expect(isWaiting()).toBe(false);
  });

  it.each([
    ["a person asks for it", { person: true }],
    ["it is urgent", { urgent: true }],
  ])("waits no longer where %s", (_, more) => {
    window(first);
    expect(window(first, more)).toMatchObject({ open: true });
  });

  it("begins its wait again after an older agent, which wrote the time alone, and in a future", () => {
    for (const text of ["2025-12-01T00:00:00.000Z", `${first} 2026-02-01T00:00:00.000Z`, "garbage"]) {
      writeFileSync(scratch.in("state/waiting-since"), `${text}\n`);
      expect(window(first)).toMatchObject({ open: false });
      passHours(23);
      expect(window(first)).toMatchObject({ open: false });
      passHours(1);
      expect(window(first)).toEqual({ open: true });
      end({ outcome: "updated" });
    }
  });
});

it("without a window nothing waits, and nothing is written", () => {
  const request = { revision: first, settings: {}, urgent: false, person: false, right: "head" } as const;
  expect(updateWindow(scratch.in("state"), request)).toEqual({ open: true });
  expect(isWaiting()).toBe(false);
});

it("a turn counts for one revision", () => {
  const metadata = { kind: "present", vm: "dev", instance: { turns: 1000 } } as unknown as Metadata;
  const turn = (revision: string) =>
    deferredByTurn(
      standInPlace(scratch),
      { settings: {}, target: { revision, urgent: false } } as unknown as SystemDecision,
      { person: false, state: { revision: "d".repeat(40) }, metadata },
    );
  const until = turn(first)?.until;
  passHours(1);
  expect(turn(first)?.until).toEqual(until);
  const last = turn(second)?.until;
  vi.setSystemTime(last ?? 0);
  expect(turn(second)).toBeUndefined();
  expect(turn(first)?.until).toBeDefined();
});

describe("a window with a time zone that does not exist", () => {
  const wrong = { window: ["12:00-13:00 Europe/Berlim", "12:00-13:00 UTC"], windowDeadline: null };

  it("defers an update, and the report says why", () => {
    const decision = { settings: wrong, target: { revision: second, urgent: false } } as unknown as SystemDecision;
    const deferred = (revision: string) =>
      deferredByWindow(standInPlace(scratch), decision, { person: false, right: "head", state: { revision } });
    const why = /^built; waiting for the window, which is closed: window "12.* unknown time zone "Europe\/Berlim"/;
    expect(deferred(first)).toEqual({ why: expect.stringMatching(why) as string, waiting: { for: "window" } });
    expect(deferred("")).toBeUndefined();
  });

  it("keeps the VM from a reboot", () => {
    const reboot = (urgent: boolean) =>
      rebootWindows({ settings: wrong, urgent, person: false }, new Date()).map(({ open }) => open);
    expect([reboot(false), reboot(true)]).toEqual([
      [false, true],
      [true, true],
    ]);
  });
});

it("a window for reboots that cannot be read is closed", () => {
  const settings = { rebootWindow: { lower: "25:00", upper: "05:00" } };
  expect(rebootWindows({ settings, urgent: false, person: false }, new Date())).toMatchObject([
    { open: true },
    { open: false, unreadable: expect.stringContaining("25:00") as string },
  ]);
});
