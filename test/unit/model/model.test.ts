/**
 * The rules, checked by trying every order of events in a small fleet: `events.ts` says what can happen, `invariants.ts` what must not.
 * With NIXOS_FLEET_LONG=1 at least ten million states, and every mutant's trace is found again.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { explore, replay, type Found } from "./explore";
import { modelMutants } from "./mutants";
import { World, type Setting } from "./world";

const long = process.env["NIXOS_FLEET_LONG"] === "1";
const settings: Setting[] = [
  { follow: "branch", onFailure: "hold" },
  { follow: "branch", onFailure: "rollback" },
  { follow: "approved", onFailure: "hold" },
  { follow: "approved", onFailure: "rollback" },
];
const hour = 3_600_000;

/** The shortest traces to what each mutant breaks, and to what the rules themselves once broke. */
interface Traces {
  mutants: Record<string, Found>;
  regressions: (Found & { setting: Setting })[];
}
const file = join(__dirname, "traces.json");
const traces: Traces = existsSync(file)
  ? (JSON.parse(readFileSync(file, "utf8")) as Traces)
  : { mutants: {}, regressions: [] };

function store(): void {
  writeFileSync(file, `${JSON.stringify(traces, null, 2)}\n`);
}

describe("in every order of events", () => {
  it.each(settings)(
    "nothing happens that must not, with %j",
    (setting) => {
      // One more disturbance where there is time for it.
      const limits = long ? { disturbances: 3, states: 2_700_000 } : { disturbances: 2, states: 25_000 };
      const { states, depth, converged, found, complete } = explore(new World(setting), {
        ...limits,
        time: hour,
        convergence: long ? 256 : 16,
      });
      console.log(
        `${setting.follow}, ${setting.onFailure}: ${states} states${complete ? ", all" : ""}, depth ${depth}; ${converged} of them seen to converge`,
      );
      if (found !== undefined) {
        traces.regressions.push({ ...found, setting });
        store();
      }
      expect(found).toBeUndefined();
      expect(states).toBeGreaterThanOrEqual(limits.states);
    },
    hour,
  );

  it("nothing happens any more that did once", () => {
    for (const { setting, trace } of traces.regressions) expect(replay(new World(setting), trace)).toBeUndefined();
  });
});

describe("a rule that is lost", () => {
  test.each(modelMutants)("is missed: $lost", ({ lost, setting, rules }) => {
    const trace = traces.mutants[lost]?.trace;
    expect(trace, "no trace is stored; NIXOS_FLEET_LONG=1 finds it").toBeDefined();
    expect(replay(new World(setting, rules), trace ?? [])).toBe(traces.mutants[lost]?.violation);
    expect(replay(new World(setting), trace ?? [])).toBeUndefined();
  });

  it.runIf(long || Object.keys(traces.mutants).length < modelMutants.length)(
    "leads to something that must not happen, and the shortest way there is kept",
    () => {
      for (const { lost, setting, rules } of modelMutants) {
        if (!long && traces.mutants[lost] !== undefined) continue;
        let found: Found | undefined;
        for (let disturbances = 1; found === undefined && disturbances <= 3; disturbances += 1) {
          const limits = { disturbances, states: 400_000, time: 600_000, convergence: 1 };
          found = explore(new World(setting, rules), limits).found;
        }
        expect(found, lost).toBeDefined();
        if (found !== undefined) traces.mutants[lost] = found;
      }
      store();
    },
    hour,
  );
});
