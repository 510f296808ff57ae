/** Runs that are tried again: when, how often, and what ends it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { retryDelay, retryLater, retryNoMore, takeRetry } from "../../../agent/retry";
import { Scratch } from "./scratch";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  scratch.fake("systemd-run", `printf '%s\\n' "$*" >>${scratch.in("started")}`);
  scratch.fake("systemctl", `printf '%s\\n' "$*" >>${scratch.in("stopped")}`);
});
afterEach(() => scratch.remove());

const place = (manager: "system" | "user" = "system") => ({
  manager,
  service: "updates",
  runFolder: scratch.in("run"),
});
const started = () => readFileSync(scratch.in("started"), "utf8").trim().split("\n");
const delays = () => started().map((line) => Number(/--on-active=(\d+)/.exec(line)?.[1]));

describe("a retry", () => {
  it("comes soon at first, then ever more seldom, and at least every six hours", () => {
    const middle = Array.from({ length: 14 }, (_, count) => retryDelay(count, 15, 0.5));
    expect(middle.slice(0, 5)).toEqual([15, 30, 60, 120, 240]);
    expect(middle.at(-1)).toBe(6 * 3600);
    expect([retryDelay(0, 100, 0), retryDelay(0, 100, 1)]).toEqual([75, 125]);
    expect(retryDelay(1_000_000, 15, 0.5)).toBe(6 * 3600);
  });

  it("counts the tries in a row, and begins soon again after a run that ended well", async () => {
    for (let tries = 0; tries < 3; tries++) await retryLater(place(), "no network", "head");
    expect(delays()[2]).toBeGreaterThanOrEqual(45);
    await retryNoMore(place());
    expect(readFileSync(scratch.in("stopped"), "utf8")).toContain("stop updates-retry-*.timer");
    await retryLater(place(), "no network", "head");
    expect(delays()[3]).toBeLessThan(20);
  });

  it("comes when it is said, where that is known, and not for all VMs in the same second", async () => {
    await retryLater(place(), "waits for the window", "head", new Date(Date.now() + 3_600_000));
    const [delay = 0] = delays();
    expect(delay).toBeGreaterThanOrEqual(3599);
    expect(delay).toBeLessThanOrEqual(3631);
    await retryLater(place(), "waits for the window", "head", new Date(0));
    expect(delays()[1]).toBeGreaterThanOrEqual(1);
  });

  it("starts the service of the user's own manager", async () => {
    await retryLater(place("user"), "x", "approved");
    expect(started()[0]).toMatch(/^--user .* systemctl --user start --no-block updates\.service$/);
  });

  it.each(["head", "approved"] as const)(
    "says once why it runs, and goes where the run before might: %s",
    async (right) => {
      await retryLater(place(), "the repository\ndoes not answer", right);
      expect(takeRetry(scratch.in("run"))).toBeUndefined();
      writeFileSync(scratch.in("run/retry-due"), "");
      expect(takeRetry(scratch.in("run"))).toEqual({ why: "the repository does not answer", right });
      expect(takeRetry(scratch.in("run"))).toBeUndefined();
    },
  );

  it("is not confused by a file that was cut short", async () => {
    writeFileSync(scratch.in("run/retry"), "garbage");
    await retryLater(place(), "x", "head");
    expect(delays()[0]).toBeLessThan(20);
  });

  it("costs nothing to call off where there was none", async () => {
    await retryNoMore(place());
    expect(existsSync(scratch.in("stopped"))).toBe(false);
  });
});
