/** What happened since the plan was made counts before each approval is written. */
import { expect, it, test, vi } from "vitest";
import { approvalKey, controlKey } from "../../../rules/contract";
import { planWaves, readCurrentApprovals } from "../../../rules/rollout/wave-plan";
import type { Control } from "../../../rules/rollout/control-item";
import type { Wave } from "../../../rules/rollout/waves";
import { refusing } from "../../../infra/components/rollout/approval-check";
import { approval, good, hold, old, other } from "../cli/fleet-samples";

const names = ["canary", "middle", "rest"];
const waves = names.map((name) => ({ name })) as Wave[];
const config = { fleet: "devs", stack: "dev", waves };

/** The project's metadata with these approvals. */
function metadata(approvals: Record<string, string>, control: Partial<Control> | string = {}): Record<string, string> {
  const items = Object.entries(approvals).map(([wave, revision]) => [
    approvalKey("devs", "dev", wave),
    JSON.stringify(approval(revision)),
  ]);
  const text = typeof control === "string" ? control : JSON.stringify(control);
  return { ...(Object.fromEntries(items) as Record<string, string>), [controlKey("devs", "dev")]: text };
}

const before = { canary: old, middle: old, rest: old };
const planOf = (approvals: Record<string, string>, control: Partial<Control> = {}) =>
  planWaves(waves, () => approval(good), readCurrentApprovals(metadata(approvals, control), "devs", "dev")).waves;

interface Options {
  plan?: ReturnType<typeof planOf>;
  refused?: () => void;
  /** Wave → the revision that its gate passed last. */
  passed?: Record<string, string>;
}

/** What the hook says about a wave: the error's text, or undefined. */
async function said(
  wave: string,
  readMetadata: () => Promise<Record<string, string>>,
  { plan = planOf(before), refused = () => {}, passed = { canary: good, middle: good } }: Options = {},
): Promise<string | undefined> {
  const printed = Object.entries(passed).map(
    ([name, revision]) => [name, Promise.resolve(JSON.stringify({ wave: name, revision, outcome: "passed" }))] as const,
  );
  const check = refusing({ config, plan, readMetadata, refused }, new Map(printed), [0, 0]);
  return check({ newInputs: { key: approvalKey("devs", "dev", wave) } }).then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  );
}

test.each<[string, Partial<Control> | string, RegExp]>([
  [
    "a person holds it",
    { holds: [hold("wave:middle")] },
    /it is held by eve@desk: demo; it stays at aaaaaaa \[NF306\]$/,
  ],
  ["a person holds the fleet", { holds: [hold("fleet")] }, /it is held by eve@desk: demo/],
  [
    "a person holds an earlier one",
    { holds: [hold("wave:canary")] },
    /waits for wave canary, which is held by eve@desk/,
  ],
  [
    "an earlier one was rolled back",
    { instead: { canary: { [good]: "previous" } } },
    /bbbbbbb, which was rolled back in wave canary/,
  ],
  [
    "a gate holds an earlier one",
    { holds: [hold("wave:canary", good)] },
    /bbbbbbb, which is held by a gate in wave canary/,
  ],
  ["the control item is no longer readable", "{", /held by the control item: it is not readable/],
])("a wave is not approved if by now %s", async (_, control, text) => {
  const refused = vi.fn();
  const approvals = { ...before, canary: good };
  expect(await said("middle", () => Promise.resolve(metadata(approvals, control)), { refused })).toMatch(
    new RegExp(`^wave middle is not approved for bbbbbbb: .*${text.source}`),
  );
  expect(refused).toHaveBeenCalledTimes(1);
});

test.each<[string, Partial<Control>]>([
  ["a later wave is held", { holds: [hold("wave:rest")] }],
  ["it was rolled back in a later wave", { instead: { rest: { [good]: "previous" } } }],
  [
    "another revision was rolled back",
    { instead: { canary: { [other]: "previous" } }, holds: [hold("wave:canary", other)] },
  ],
  ["one of its VMs is held", { holds: [hold("vm:dev-alice")] }],
])("a wave is approved although %s", async (_, control) => {
  expect(await said("middle", () => Promise.resolve(metadata(before, control)))).toBeUndefined();
});

test.each<[string, string, Record<string, string>, string | undefined]>([
  ["the gate before it has passed another revision", "middle", { canary: old }, "canary"],
  ["no gate before it has run", "rest", {}, "canary"],
  ["one of the gates before it has not passed it", "rest", { canary: good }, "middle"],
  ["all gates before it have passed it", "rest", { canary: good, middle: good }, undefined],
  ["it is the first one", "canary", {}, undefined],
])("a wave that is named in --target: %s", async (_, wave, passed, missing) => {
  const text = `wave ${wave} is not approved for bbbbbbb: the gate of wave ${missing ?? "?"} has not passed it; run pulumi up without --target [NF306]`;
  const refused = vi.fn();
  const found = await said(wave, () => Promise.resolve(metadata(before)), { passed, refused });
  expect([found, refused.mock.calls.length]).toEqual(missing === undefined ? [undefined, 0] : [text, 1]);
});

it("a wave that has the revision already, or keeps what it has, needs no gate", async () => {
  const all = { canary: good, middle: good, rest: good };
  const again = { plan: planOf(all), passed: {} };
  expect(await said("rest", () => Promise.resolve(metadata(all)), again)).toBeUndefined();
  const held = { holds: [hold("wave:middle")] };
  const kept = { plan: planOf(before, held), passed: {} };
  expect(await said("rest", () => Promise.resolve(metadata(before, held)), kept)).toBeUndefined();
});

it("a wave that has the revision gets a new approval of it, and one that the plan keeps is written as it is", async () => {
  const undone = { instead: { canary: { [good]: "previous" } } };
  const all = { canary: good, middle: good, rest: good };
  expect(await said("middle", () => Promise.resolve(metadata(all, undone)), { plan: planOf(all) })).toBeUndefined();
  const held = { holds: [hold("wave:middle")] };
  const now = () => Promise.resolve(metadata(before, held));
  expect(await said("middle", now, { plan: planOf(before, held) })).toBeUndefined();
});

it("a read that fails is repeated, and if it fails to the end nothing is approved", async () => {
  const read = vi.fn<() => Promise<Record<string, string>>>();
  read.mockRejectedValueOnce(new Error("HTTP 503")).mockResolvedValueOnce(metadata(before));
  expect(await said("canary", read)).toBeUndefined();
  expect(read).toHaveBeenCalledTimes(2);
  read.mockRejectedValue(new Error("HTTP\n503"));
  expect(await said("canary", read)).toMatch(/it is not known whether it is held or undone by now \(HTTP 503\)/);
  expect(read).toHaveBeenCalledTimes(5);
});
