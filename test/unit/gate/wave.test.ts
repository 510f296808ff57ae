import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parseBudget } from "../../../rules/gate/budget";
import { decide, step } from "../../../rules/gate/verdict";
import { noProgress } from "../../../rules/gate/state";
import { changeLines, endLine, endLines, passedLine } from "../../../cli/gate/text";
import { readReport } from "../../../cli/reports";
import type { FleetVm } from "../../../cli/fleet";
import { decisions, good, hold, old, other, reading, reports, silent, vm } from "../cli/fleet-samples";
import { approved, before, failure, look, options, retrying, see } from "./samples";
import type { Reading } from "../../../rules/report-reading";

test.each([
  ["", "0", "passed"],
  ["s", "0", "passed"],
  ["d", "0", "passed"],
  ["ssdd", "0", "passed"],
  ["sp", "0", "open"],
  ["fp", "0", "failed"],
  ["fp", "1", "open"],
  ["fs", "1", "passed"],
  ["ffp", "1", "failed"],
  ["fsssssssss", "10%", "passed"],
  ["fssssssss", "10%", "failed"],
  ["fff", "100%", "passed"],
])("a wave %j with a budget of %s is %s", (ends, budget, outcome) => {
  const given = { ...options, maxFailures: parseBudget(budget) ?? { count: -1 } };
  expect(decide(step(noProgress, look(ends), given), given).outcome).toBe(outcome);
});

test("a wave is decided for every mixture, as counting says", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("s", "f", "d", "p"), maxLength: 30 }), fc.nat(5), (ends, count) => {
      const given = { ...options, maxFailures: { count } };
      const failed = Array.from(ends).filter((end) => end === "f").length;
      const expected = failed > count ? "failed" : ends.includes("p") ? "open" : "passed";
      expect(decide(step(noProgress, look(ends), given), given).outcome).toBe(expected);
    }),
  );
});

test("every gate ends, whatever its VMs do", () => {
  const kinds = fc.constantFrom<[Reading | undefined, string]>(
    [before, "RUNNING"],
    [undefined, "RUNNING"],
    [silent, "STAGING"],
    [before, "TERMINATED"],
    [reading(failure), "RUNNING"],
  );
  fc.assert(
    fc.property(fc.array(kinds, { minLength: 1, maxLength: 20 }), (seen) => {
      const looks = seen.map(
        ([one, state], index) => [index * 7, one, { state }] as [number, Reading | undefined, Partial<FleetVm>],
      );
      const [lastOne, lastState] = seen.at(-1) ?? [before, "RUNNING"];
      const state = see([...looks, [160, lastOne, { state: lastState }]], { control: retrying });
      expect(decide(state, options).outcome).not.toBe("open");
    }),
  );
});

describe("a gate that cannot pass", () => {
  const verdict = (control: typeof approved, at: number[] = [0]) => {
    const state = at.reduce((one, moment) => step(one, look("p", control, moment), options), noProgress);
    return decide(state, options);
  };

  it("fails at once for a revision that a gate held or undid here, and says how to retry", () => {
    const held = verdict(decisions({ rest: good }, { holds: [hold("wave:rest", good)] }));
    expect(held).toMatchObject({ outcome: "failed", reason: expect.stringContaining(`fleet retry ${good}`) as string });
    const undone = verdict(decisions({ rest: good }, { instead: { rest: { [good]: old } } }));
    expect(undone).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("rolled back in wave rest") as string,
    });
    expect(verdict(decisions({ rest: good }, { holds: [hold("wave:rest", old)] })).outcome).toBe("open");
    expect(verdict(decisions({ rest: good }, { instead: { rest: { [old]: good } } })).outcome).toBe("open");
  });

  it("fails at once for a revision that was rolled back in an earlier wave, but not for one that was in a later wave", () => {
    const control = decisions({ rest: good }, { instead: { other: { [good]: old } } });
    expect(verdict(control)).toMatchObject({ outcome: "failed", stopped: true });
    const both = decisions({ rest: good }, { instead: { other: { [good]: old }, rest: { [good]: old } } });
    expect(verdict(both)).toMatchObject({ reason: expect.stringContaining("rolled back in wave rest") as string });
    const first = { ...options, laterWaves: ["other"] };
    expect(decide(step(noProgress, look("p", control), first), first).outcome).toBe("open");
  });

  it("fails when the approval has moved on, but not for a moment", () => {
    const moved = decisions({ rest: other });
    const first = step(noProgress, look("p", approved, 0), options);
    const after = (...at: number[]) => at.reduce((one, moment) => step(one, look("p", moved, moment), options), first);
    expect(decide(after(5, 19), options).outcome).toBe("open");
    expect(decide(after(5, 20), options)).toMatchObject({
      outcome: "failed",
      reason: "wave rest is approved for ccccccc by now, not for bbbbbbb",
    });
    expect(endLine(decide(after(5, 20), options), after(5, 20), options, 20)).toContain("[NF301]");
  });

  it("says how to go on if its approval was never there: Pulumi did not write it", () => {
    for (const [control, present] of [
      [decisions({ rest: other }), "wave rest is approved for ccccccc, not for bbbbbbb"],
      [decisions({}), "wave rest is not approved for bbbbbbb"],
    ] as const) {
      expect(verdict(control, [0, 14]).outcome).toBe("open");
      const state = [0, 15].reduce((one, moment) => step(one, look("p", control, moment), options), noProgress);
      const end = endLine(decide(state, options), state, options, 15);
      expect(end).toContain(`${present}: if no other pulumi up runs, an earlier one could not write the approval`);
      expect(end).toContain("run pulumi refresh, then pulumi up");
      expect(end).toContain("[NF305]");
    }
  });
});

describe("what it prints", () => {
  it("is one line for each VM whose result is new, and for each that is gone", () => {
    const first = step(noProgress, look("psp"), options);
    expect(changeLines(noProgress, first, false)).toEqual(["vm-1  updated  bbbbbbb  after 0 s"]);
    const second = step(first, look("sf", approved, 14), options);
    expect(changeLines(first, second, false)).toEqual([
      "vm-0  updated  aaaaaaa → bbbbbbb  after 14 s",
      "vm-1  failed  after 14 s  build failed: said no",
      "vm-2  deleted: not counted any more",
    ]);
    expect(changeLines(second, step(second, look("sf", approved, 20), options), false)).toEqual([]);
  });

  it("ends with a table and the builder's last lines", () => {
    expect(endLines(step(noProgress, look("sfd"), options), false)).toEqual([
      "",
      "VM    RESULT    RUNS     WHY",
      "vm-0  updated   bbbbbbb  -",
      "vm-1  failed    aaaaaaa  build failed: said no",
      "vm-2  deferred  aaaaaaa  is stopped (TERMINATED)",
      "",
      "vm-1:",
      "    builder",
      "    said no",
    ]);
  });

  it("says when a wave passed without anyone having moved", () => {
    const line = (ends: string) => passedLine(step(noProgress, look(ends), options), options, 5);
    expect(line("")).toBe("wave rest has no VMs: passed");
    expect(line("dd")).toBe("wave rest passed without a VM that runs bbbbbbb: 2 deferred");
    expect(line("sd")).toBe("wave rest runs bbbbbbb: 1 succeeded, 1 deferred, after 5 s");
  });

  it("has no long line and no control character, whatever VMs write", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 4000 }), fc.string({ unit: "binary" }), (error, revision) => {
        const wild = readReport(JSON.stringify({ ...failureReport(error), revision }));
        const state = step(
          noProgress,
          { at: 0, decisions: approved, vms: [{ vm: vm("a"), reports: reports(wild) }], fleetSize: 1 },
          options,
        );
        const lines = [...changeLines(noProgress, state, false), ...endLines(state, false)];
        expect(
          lines.every((line) => Buffer.byteLength(line) < 4096 && !/[\u0000-\u001f\u007f-\u009f]/.test(line)),
        ).toBe(true);
      }),
    );
  });
});

function failureReport(error: string): object {
  const one = reading({ ...failure, error });
  return one.kind === "report" ? one.report : {};
}
