/** Runs that are tried again: when, how often, and what ends it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { arrangeRetry, takeRetry } from "../../../agent/retry";
import { longestRetryDelay, retryDelay } from "../../../rules/decision/retry-delay";
import { Scratch } from "./scratch";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  scratch.fake("systemd-run", `printf '%s\\n' "$*" >>${scratch.in("started")}`);
  scratch.fake("systemctl", `printf '%s\\n' "$*" >>${scratch.in("systemctl")}`);
});
afterEach(() => scratch.remove());

const place = (manager: "system" | "user" = "system", service = "x") => ({
  manager,
  service,
  runFolder: scratch.in("run"),
});
type Right = "head" | "approved";
const failed = (why: string, right: Right, at?: Date) => arrangeRetry(place(), { right, once: false }, why, at);
const endedWell = (right: Right = "head") => arrangeRetry(place(), { right, once: false }, undefined);
const started = () => (existsSync(scratch.in("started")) ? readFileSync(scratch.in("started"), "utf8").trim() : "");
const delays = () => [...started().matchAll(/--on-active=(\d+)/g)].map(([, seconds]) => Number(seconds));

describe("a retry", () => {
  it("comes soon at first, then less and less often, and at least every six hours or so", () => {
    const base = [15, 30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 15_360, 21_600, 21_600];
    expect(base.map((_, count) => retryDelay(count, 15, 0.5))).toEqual(base);
    expect([retryDelay(0, 100, 0), retryDelay(0, 100, 1)]).toEqual([75, 125]);
    expect(retryDelay(1_000_000, 15, 0.5)).toBe(6 * 3600);
    expect(retryDelay(1_000_000, 15, 1)).toBe(longestRetryDelay);
  });

  it("comes later each time that one is arranged", async () => {
    for (let count = 0; count < 3; count++) await failed("no network", "head");
    delays().forEach((delay, count) => {
      expect(delay).toBeGreaterThanOrEqual(Math.floor(15 * 2 ** count * 0.75));
      expect(delay).toBeLessThanOrEqual(Math.ceil(15 * 2 ** count * 1.25));
    });
    expect(delays()).toHaveLength(3);
  });

  it("comes when a window opens, where it waits for one, and not for all VMs in the same second", async () => {
    const opens = Date.now() + 3_600_000;
    await failed("window", "approved", new Date(opens));
    // By the clock: a timer of seconds stands still while the machine is suspended.
    expect(delays()).toEqual([]);
    const [, at = ""] = /--on-calendar=(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC /.exec(started()) ?? [];
    const late = Date.parse(`${at.replace(" ", "T")}Z`) - opens;
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThanOrEqual(31_000);
    expect(scratch.log).toContain(`trying again at ${at} UTC: window`);
  });

  it.each([
    ["has passed, which a timer of the clock's would never reach", new Date(0)],
    ["is about to pass", new Date(Date.now() + 20_000)],
  ])("comes within a minute where the moment for it %s", async (_, at) => {
    await failed("window", "head", at);
    expect(started()).not.toContain("--on-calendar");
    expect(delays()[0]).toBeGreaterThanOrEqual(1);
    expect(delays()[0]).toBeLessThanOrEqual(60);
  });

  it("starts the service of the user's own manager", async () => {
    await arrangeRetry(place("user", "nixos-hm-auto-update"), { right: "head", once: false }, "x");
    expect(started()).toMatch(/^--user .* systemctl --user start --no-block nixos-hm-auto-update\.service$/);
  });

  it.each(["head", "approved"] as const)(
    "says why it runs, once, and may go where the run before might: %s",
    async (right) => {
      await failed("the repository\ndoes not answer", right);
      expect(takeRetry(scratch.in("run"))).toBeUndefined();
      writeFileSync(scratch.in("run/retry-due"), "");
      expect(takeRetry(scratch.in("run"))).toEqual({ why: "the repository does not answer", right });
      expect(takeRetry(scratch.in("run"))).toBeUndefined();
    },
  );

  it("is called off, and begins soon again after a run that ended well", async () => {
    for (let tries = 0; tries < 3; tries++) await failed("y", "head");
    expect(delays()[2]).toBeGreaterThanOrEqual(45);
    await endedWell();
    await failed("y", "head");
    expect(readFileSync(scratch.in("systemctl"), "utf8")).toContain("stop x-retry-*.timer");
    expect(delays()[3]).toBeLessThan(20);
  });

  it("that was called off gives nothing to a later run, though its timer had fired", async () => {
    await failed("no network", "head");
    writeFileSync(scratch.in("run/retry-due"), "");
    await endedWell();
    expect(takeRetry(scratch.in("run"))).toBeUndefined();
  });

  it("that was called off before its timer could say so repeats nothing", async () => {
    await failed("no network", "head");
    await endedWell();
    writeFileSync(scratch.in("run/retry-due"), "");
    expect(takeRetry(scratch.in("run"))).toMatchObject({ right: "approved" });
  });

  it("costs nothing where there was none", async () => {
    await endedWell();
    expect(existsSync(scratch.in("systemctl"))).toBe(false);
  });

  it("is not confused by a file that was cut short", async () => {
    for (const text of ["", "half", "garbage"]) {
      writeFileSync(scratch.in("run/retry"), text);
      await failed("y", "head");
    }
    expect(delays()).toHaveLength(3);
    for (const delay of delays()) expect(delay).toBeLessThan(20);
  });

  it("that may go to the branch's head outlives a run that may not", async () => {
    await failed("no network", "head");
    await failed("no network", "head");
    // It ended well, so whatever hindered the retry may have passed.
    await endedWell("approved");
    expect(delays()[2]).toBeLessThan(20);
    writeFileSync(scratch.in("run/retry-due"), "");
    expect(takeRetry(scratch.in("run"))).toEqual({ why: "no network", right: "head" });
    await endedWell();
    expect(existsSync(scratch.in("run/retry"))).toBe(false);
  });

  it("that may go to the branch's head does the work of a failed run that may not, and does not wait for its time", async () => {
    await failed("no network", "head");
    await failed("the approved revision does not build", "approved", new Date(Date.now() + 86_400_000));
    expect(delays()[1]).toBeLessThan(60);
    writeFileSync(scratch.in("run/retry-due"), "");
    expect(takeRetry(scratch.in("run"))).toEqual({ why: "the approved revision does not build", right: "head" });
  });

  it("that may not go to the branch's head ends with the run that it repeats", async () => {
    await failed("no network", "approved");
    await endedWell("approved");
    expect(existsSync(scratch.in("run/retry"))).toBe(false);
    expect(delays()).toHaveLength(1);
  });

  it("is not arranged for a run that its caller repeats", async () => {
    await arrangeRetry(place(), { right: "head", once: true }, "no network");
    expect(delays()).toEqual([]);
  });
});
