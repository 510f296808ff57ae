/** When the failure of a VM that is held back is let out. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  nextFailures,
  noFailures,
  type FailureEvent,
  type HeldFailures,
} from "../../../infra/components/rollout/release-failures";

const failed = (failure: number, operation = "create"): FailureEvent => ({ kind: "vm failed", failure, operation });
const ended: FailureEvent = { kind: "rollout ended" };
const broken: FailureEvent = { kind: "rollout failed" };

/** What each event lets out, in turn. */
function outs(events: readonly FailureEvent[], workers: number): (readonly number[])[] {
  let state: HeldFailures = noFailures;
  return events.map((event) => {
    const { next, out } = nextFailures(state, event, workers);
    state = next;
    return out;
  });
}

describe("a failure that is held back is let out", () => {
  it.each<[string, number, FailureEvent[], number[][]]>([
    ["when the rollout has ended", 8, [failed(1), failed(2), ended], [[], [], [1, 2]]],
    ["when an approval, a gate or a VM that changes waves failed", 8, [failed(1), broken], [[], [1]]],
    ["at once after that", 8, [broken, failed(1), failed(2, "update")], [[], [1], [2]]],
    ["at once after the rollout's end", 8, [ended, failed(1)], [[], [1]]],
    [
      "with all others when more than half of the workers would wait",
      4,
      [failed(1), failed(2), failed(3)],
      [[], [], [1, 2, 3]],
    ],
    ["at once when too many have waited", 4, [failed(1), failed(2), failed(3), failed(4)], [[], [], [1, 2, 3], [4]]],
    [
      "at once where it is of a deletion, while others wait",
      8,
      [failed(1), failed(2, "delete"), ended],
      [[], [2], [1]],
    ],
    ["at once where one worker does all", 1, [failed(1), ended], [[1], []]],
    ["of two workers one may wait", 2, [failed(1), failed(2)], [[], [1, 2]]],
  ])("%s", (_, workers, events, wanted) => {
    expect(outs(events, workers)).toEqual(wanted);
  });
});

it("is never lost, never let out twice, never waits for ever, and never takes more than half of the workers", () => {
  const kind = fc.constantFrom("create", "update", "delete", "rollout");
  fc.assert(
    fc.property(
      fc.array(kind, { maxLength: 40 }),
      fc.integer({ min: 1, max: 32 }),
      fc.constantFrom(ended, broken),
      (kinds, workers, last) => {
        const events = kinds.map((one, index) => (one === "rollout" ? broken : failed(index, one)));
        let state: HeldFailures = noFailures;
        const seen: number[] = [];
        for (const event of [...events, last]) {
          const before = state;
          const { next, out } = nextFailures(state, event, workers);
          state = next;
          seen.push(...out);
          expect(state.waiting.length).toBeLessThanOrEqual(workers / 2);
          // While the rollout goes on and workers are left, one VM's failure ends nothing.
          if (event.kind === "vm failed" && event.operation !== "delete" && !before.over)
            expect(out).toHaveLength(before.waiting.length + 1 > workers / 2 ? before.waiting.length + 1 : 0);
        }
        expect(state.waiting).toEqual([]);
        const all = events.flatMap((event) => (event.kind === "vm failed" ? [event.failure] : []));
        expect(seen.sort((a, b) => a - b)).toEqual(all);
      },
    ),
  );
});
