/** What a request's end says about a file, and when a server counts as away. */
import { describe, expect, it } from "vitest";
import { answerOf, isAway, pauseAfter } from "../../../rules/decision/download-retry";

describe("an answer", () => {
  it.each([
    [0, 200, "whole"],
    [0, 404, "absent"],
    [18, 404, "absent"],
    [18, 200, "unknown"],
    [28, 0, "unknown"],
    ...[302, 400, 401, 403, 408, 410, 429, 500, 503].map((status) => [0, status, "unknown"] as const),
  ] as const)("with curl's status %i and HTTP status %i is %s", (exit, status, answer) => {
    expect(answerOf({ exit, status })).toBe(answer);
  });
});

describe("a server", () => {
  const pause = 2000;
  /** Milliseconds until it counts as away, if each request takes so many. */
  function patience(request: number, attempts = 1): number {
    const first = request * attempts;
    let milliseconds = first;
    for (let tries = 1; ; tries++) {
      if (isAway({ tries, attempts, milliseconds: milliseconds - first, pause })) return milliseconds;
      milliseconds += pauseAfter(tries, pause, 0.5) + request * attempts;
    }
  }

  it("that fails at once counts as away after about a minute", () => {
    expect(patience(10)).toBeGreaterThan(55_000);
    expect(patience(10)).toBeLessThan(70_000);
    expect(patience(300, 3)).toBeLessThan(75_000);
  });

  it("that hangs is asked three times, a minute each, and by Nix, which asks three times itself, twice", () => {
    expect(patience(60_000)).toBeLessThan(200_000);
    expect(patience(60_000, 3)).toBeLessThan(370_000);
  });

  it("gets pauses that differ from VM to VM", () => {
    expect([pauseAfter(1, pause, 0), pauseAfter(1, pause, 1), pauseAfter(3, pause, 0.5)]).toEqual([1500, 2500, 8000]);
  });
});
