import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { approvalKey, controlKey } from "../../../rules/contract";
import { planWaves, readCurrentApprovals, type CurrentApprovals } from "../../../rules/rollout/wave-plan";
import { approval, good, hold, old, other } from "../cli/fleet-samples";
import type { Approval } from "../../../rules/rollout/approval";
import type { Control } from "../../../rules/rollout/control-item";

const waves = [{ name: "canary" }, { name: "middle" }, { name: "rest" }];

/** What stands, from each wave's approval and the control item. */
function currentApprovals(
  approvals: Record<string, string>,
  control: Partial<Control> | string = {},
): CurrentApprovals {
  const metadata: Record<string, string> = {
    [controlKey("devs", "dev")]: typeof control === "string" ? control : JSON.stringify(control),
  };
  for (const [wave, revision] of Object.entries(approvals))
    metadata[approvalKey("devs", "dev", wave)] = JSON.stringify(approval(revision));
  return readCurrentApprovals(metadata, "devs", "dev");
}

const plan = (before: CurrentApprovals, all = waves, to: Approval = approval(good)) => planWaves(all, () => to, before);
const revisions = (...given: Parameters<typeof plan>) =>
  plan(...given).waves.map(({ wave, approval: { revision }, kept }) => [wave.name, revision, kept]);

const allWaves = (revision: string) => Object.fromEntries(waves.map(({ name }) => [name, revision]));

describe("a plan", () => {
  it("approves what was resolved, also where nothing stands yet", () => {
    for (const before of [currentApprovals({}), currentApprovals(allWaves(old))])
      expect(revisions(before)).toEqual([
        ["canary", good, false],
        ["middle", good, false],
        ["rest", good, false],
      ]);
    expect(plan(currentApprovals({})).warnings).toEqual([]);
  });

  it("keeps a held wave and those after it, to the letter, and says who held it and why", () => {
    const before = currentApprovals(allWaves(old), { holds: [hold("wave:middle")] });
    expect(revisions(before)).toEqual([
      ["canary", good, false],
      ["middle", old, true],
      ["rest", old, true],
    ]);
    const { warnings, waves: planned } = plan(before);
    expect(planned[1]?.value).toBe(before.values["middle"]);
    expect(warnings).toEqual([
      "wave middle is held by eve@desk: demo; it stays at aaaaaaa",
      "wave rest waits for wave middle, which is held by eve@desk: demo; it stays at aaaaaaa",
    ]);
  });

  it("keeps everything where the fleet is held, or the control item cannot be read", () => {
    for (const control of [{ holds: [hold("fleet")] }, "{"])
      expect(
        revisions(currentApprovals(allWaves(old), control)).every(([, revision, kept]) => revision === old && kept),
      ).toBe(true);
  });

  it("declares nothing of a held wave that was never approved", () => {
    expect(revisions(currentApprovals({}, { holds: [hold("fleet")] }))).toEqual([]);
    expect(plan(currentApprovals({}, { holds: [hold("fleet")] })).warnings[0]).toContain("stays unapproved");
  });

  it("goes on against a gate's hold, a VM's and another wave's, and tells of the gate's", () => {
    const holds = [hold("wave:canary", good), hold("wave:middle", other), hold("vm:dev-alice")];
    const before = currentApprovals(allWaves(good), { holds, instead: { rest: { [good]: "previous" } } });
    expect(revisions(before).map(([, revision, kept]) => [revision, kept])).toEqual(waves.map(() => [good, false]));
    const { warnings } = plan(before);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatch(
      /^wave canary is held by eve@desk: demo; its gate fails at once, .*fleet retry bbbbbbb$/,
    );
    expect(warnings[1]).toMatch(/^wave rest: bbbbbbb was rolled back; its gate fails at once, .*fleet retry bbbbbbb$/);
  });

  test.each<[string, Partial<Control>, string]>([
    ["a person rolled it back", { instead: { canary: { [good]: "previous" } } }, "was rolled back"],
    ["a gate holds it", { holds: [hold("wave:canary", good)] }, "is held by a gate"],
  ])("gives no later wave a revision if %s in an earlier one", (_, control, what) => {
    const before = currentApprovals({ canary: good, middle: good, rest: old }, control);
    expect(revisions(before)).toEqual([
      ["canary", good, false],
      ["middle", good, false],
      ["rest", old, true],
    ]);
    expect(plan(before).waves[2]?.value).toBe(before.values["rest"]);
    expect(plan(before).warnings).toContain(
      `wave rest does not get bbbbbbb, which ${what} in wave canary (until fleet retry bbbbbbb); it stays at aaaaaaa`,
    );
    // Something newer, and a retry, go to all of them.
    expect(revisions(before, waves, approval(other)).every(([, revision, kept]) => revision === other && !kept)).toBe(
      true,
    );
    const again = currentApprovals({ canary: good, middle: good, rest: old }, { retry: [good] });
    expect(revisions(again)[2]).toEqual(["rest", good, false]);
  });

  it("approves earlier waves for what was rolled back in a later one", () => {
    const before = currentApprovals({ canary: old, rest: good }, { instead: { rest: { [good]: "previous" } } });
    expect(revisions(before).map(([, , kept]) => kept)).toEqual([false, false, false]);
  });

  it("refuses a wave that must stay as it is and whose approval is not readable", () => {
    for (const [control, name, why] of [
      [{ holds: [hold("wave:rest")] }, "rest", "is held by eve@desk: demo"],
      [{ holds: [hold("wave:canary")] }, "rest", "waits for wave canary"],
      [
        { instead: { canary: { [good]: "previous" } } },
        "middle",
        "does not get bbbbbbb, which was rolled back in wave canary",
      ],
    ] as const) {
      const before = currentApprovals({ canary: good, middle: good, rest: good }, control as Partial<Control>);
      const { [name]: _, ...approvals } = before.approvals;
      const { mistakes } = plan({ ...before, approvals, values: { ...before.values, [name]: "{" } });
      expect(mistakes).toEqual([expect.stringContaining(`waves: wave "${name}" ${why}`) as string]);
      expect(mistakes[0]).toContain("its approval is not readable");
    }
    const free = { ...currentApprovals({}), values: { canary: "{" } };
    expect(plan(free).mistakes).toEqual([]);
  });

  it("never approves a wave past one that is held", () => {
    const scopes = fc.subarray(waves.map(({ name }) => `wave:${name}`));
    const before = fc.dictionary(fc.constantFrom("canary", "middle", "rest"), fc.constantFrom(old, other));
    fc.assert(
      fc.property(scopes, before, (held, approvals) => {
        const planned = plan(currentApprovals(approvals, { holds: held.map((scope) => hold(scope)) })).waves;
        const first = waves.findIndex(({ name }) => held.includes(`wave:${name}`));
        const moved = planned.filter(({ kept }) => !kept).map(({ wave }) => wave.name);
        expect(moved).toEqual(waves.slice(0, first < 0 ? undefined : first).map(({ name }) => name));
        for (const { wave, approval: one, kept } of planned) if (kept) expect(one.revision).toBe(approvals[wave.name]);
      }),
    );
  });
});

describe("a wave that is renamed or removed", () => {
  const renamed = [{ name: "first" }, { name: "middle" }, { name: "rest" }];

  it("needs nothing else where it is free", () => {
    expect(plan(currentApprovals(allWaves(old)), renamed).mistakes).toEqual([]);
  });

  it("is refused while the fleet is held, or the control item is not readable: the last wave would take all holds and pins", () => {
    const whole = { all: old };
    const split = [{ name: "canary" }, { name: "rest" }];
    const held = { holds: [hold("fleet")], pins: { "dev-alice": old } };
    expect(plan(currentApprovals(whole, held), split).mistakes).toEqual([
      'waves: wave "all" is held by eve@desk: demo; fleet resume before it is renamed or removed',
    ]);
    expect(plan(currentApprovals(whole, "{"), split).mistakes).toEqual([
      'waves: wave "all" cannot be renamed or removed: the control item is not readable (fleet status)',
    ]);
    const unreadable = currentApprovals(whole, held);
    unreadable.approvals = {};
    expect(plan(unreadable, split).mistakes).toHaveLength(1);
  });

  test.each([
    ["a person", hold("wave:canary"), old, 1],
    ["a gate, for what would be approved again", hold("wave:canary", good), good, 1],
    ["a gate, for what is the past", hold("wave:canary", good), old, 0],
    ["a gate whose revision something newer follows", hold("wave:canary", old), old, 0],
  ])("while it is held by %s", (_, one, present, lines) => {
    const { mistakes } = plan(currentApprovals(allWaves(present), { holds: [one] }), renamed);
    expect(mistakes).toHaveLength(lines);
    if (lines > 0)
      expect(mistakes[0]).toBe(
        'waves: wave "canary" is held by eve@desk: demo; fleet resume --wave canary before it is renamed or removed',
      );
  });

  it("while the revision that it would take along is undone there", () => {
    const control = { instead: { canary: { [good]: "previous" } } };
    expect(plan(currentApprovals(allWaves(good), control), renamed).mistakes).toEqual([
      'waves: bbbbbbb was rolled back in wave "canary"; push something newer, or fleet retry bbbbbbb, before it is renamed or removed',
    ]);
    expect(plan(currentApprovals(allWaves(good), control), renamed, approval(other)).mistakes).toEqual([]);
  });

  it("was held once, and is long gone", () => {
    expect(plan(currentApprovals({}, { holds: [hold("wave:former")] })).mistakes).toEqual([]);
  });
});
