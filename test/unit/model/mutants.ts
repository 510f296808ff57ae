/** Rules that lack something: each must be found out. The first four are what the rules were before. */
import { controlKey, approvalKey } from "../../../rules/contract";
import { noControl, parseControl, type Control } from "../../../rules/rollout/control-item";
import { decideSystem, type SystemInput } from "../../../rules/decision/decide-system";
import { step } from "../../../rules/gate/verdict";
import { readMetadata } from "../../../rules/metadata";
import { rightOf } from "../../../rules/decision/run-right";
import { planWaves } from "../../../rules/rollout/wave-plan";
import { realRules, type Rules } from "./rules";
import type { Setting } from "./world";

interface ModelMutant {
  lost: string;
  setting: Setting;
  rules: Rules;
}

const follow: Setting = { follow: "branch", onFailure: "hold" };
const approved: Setting = { follow: "approved", onFailure: "hold" };
const back: Setting = { follow: "approved", onFailure: "rollback" };

/** Decides as if the control item said something else. */
function withControl(change: (control: Control) => Control): typeof decideSystem {
  return (input) => {
    const { metadata } = input;
    if (metadata.kind !== "present") return decideSystem(input);
    const key = controlKey("f", "s");
    const read = parseControl(metadata.attributes[key]);
    const changed = JSON.stringify(change(read.ok ? read.value : noControl));
    return decideSystem({
      ...input,
      metadata: { ...metadata, attributes: { ...metadata.attributes, [key]: changed } },
    });
  };
}

/** Decides as if no other wave were approved for anything. */
function withoutOthers(input: SystemInput): ReturnType<typeof decideSystem> {
  const { metadata } = input;
  if (metadata.kind !== "present") return decideSystem(input);
  const kept = [controlKey("f", "s"), approvalKey("f", "s", metadata.instance.wave ?? "")];
  const attributes = Object.fromEntries(Object.entries(metadata.attributes).filter(([key]) => kept.includes(key)));
  return decideSystem({ ...input, metadata: { ...metadata, attributes } });
}

const mutant = (lost: string, setting: Setting, changes: Partial<Rules>): ModelMutant => ({
  lost,
  setting,
  rules: { ...realRules, ...changes },
});

export const modelMutants: readonly ModelMutant[] = [
  mutant("only 404 means that there is no item", follow, {
    readMetadata: (answers) => (answers.instance?.status === 200 ? readMetadata(answers, true) : { kind: "none" }),
  }),
  mutant("the watcher goes where something is approved, and nowhere else", follow, { rightOf: () => "head" }),
  mutant("a gate lets nothing on without proof", approved, { minSucceeded: 0 }),
  mutant("an approval names its source", approved, { approvalsNameSource: false }),
  mutant("nothing moves under a person's hold", approved, {
    decideSystem: withControl((control) => ({ ...control, holds: control.holds.filter(({ revision }) => revision) })),
  }),
  mutant("nothing moves under a gate's hold", approved, {
    decideSystem: withControl((control) => ({ ...control, holds: control.holds.filter(({ revision }) => !revision) })),
  }),
  mutant("a gate's hold lapses with its revision", approved, {
    decideSystem: withControl((control) => ({
      ...control,
      holds: control.holds.map(({ scope, by, why, at }) => ({ scope, by, why, at })),
    })),
  }),
  mutant("a pin counts before the approval", approved, { decideSystem: withControl((all) => ({ ...all, pins: {} })) }),
  mutant("what was undone stays undone", back, { decideSystem: withControl((all) => ({ ...all, instead: {} })) }),
  mutant("while a rollout is open only the approval moves a VM", follow, { decideSystem: withoutOthers }),
  mutant("a refused revision is not tried again unasked", approved, { remembersRefusals: false }),
  mutant("an approval that is not new moves nothing back", follow, {
    decideSystem: (input) => decideSystem(input.descends === undefined ? input : { ...input, descends: false }),
  }),
  mutant("a retry has the right of what it repeats", follow, {
    rightOf: (trigger, repeated) => (trigger === "retry" ? "head" : rightOf(trigger, repeated)),
  }),
  mutant("the watcher wakes for a new approval", approved, { relevantState: () => null }),
  mutant("an up approves nothing past a hold", approved, {
    planWaves: (waves, desired, current) => planWaves(waves, desired, { ...current, control: noControl }),
  }),
  mutant("what was undone goes to no later wave", approved, {
    planWaves: (waves, desired, { control, ...current }) =>
      planWaves(waves, desired, { ...current, control: control && { ...control, instead: {} } }),
  }),
  mutant("a gate waits for its VMs", approved, { decide: () => ({ outcome: "passed" }) }),
  mutant("a wave that has not passed before needs proof", approved, {
    step: (state, seen, options) => step(state, seen, { ...options, passedBefore: true }),
    decide: (state, options) => realRules.decide(state, { ...options, passedBefore: true }),
  }),
  mutant("what is urgent waits for no window", approved, {
    decideSystem: (input) => {
      const decision = decideSystem(input);
      return decision.target === undefined ? decision : { ...decision, target: { ...decision.target, urgent: false } };
    },
  }),
  mutant("another host is something to do", approved, {
    decideSystem: ({ state: { attribute: _, ...state }, ...input }) => decideSystem({ ...input, state }),
  }),
  mutant("a canary that failed is no proof", approved, {
    decide: (state, options) => realRules.decide(state, { ...options, maxFailures: { percent: 100 }, minSucceeded: 0 }),
  }),
];
