/** Which VMs of a list belong to which stack, if several stacks share one list. Pure. */
import * as z from "zod";
import { carries } from "../../../rules/rollout/waves";
import { own } from "../../../rules/text/json";
import { firstOf } from "../../../rules/text/text";
import { quote } from "../parse";
import { keyPart, type Values } from "../schema";
import { labelled } from "./vms";

/** How many VMs a line names at most. */
const NAMED = 5;

/** Who belongs to a stack: one of these. */
const members = {
  vms: z.array(z.string()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  rest: z.literal(true).optional(),
};

const stack = z.strictObject({ name: keyPart, ...members }).meta({ examples: [{ name: "rest", rest: true }] });

export const stackKeys = { stacks: z.array(stack).min(1, "must name at least one stack").optional() };

/** A stack in the form of the settings. */
type WrittenStack = z.infer<typeof stack>;

interface Member {
  name: string;
  labels: Record<string, string>;
}

/**
 * Assigns each VM to its stack: by name, then by label (the first stack if several fit), then the rest. Each VM must be in exactly one
 * stack. A stack without VMs is allowed, since all of its VMs may have moved and still use its network and account.
 */
export function assignStacks(
  stacks: readonly WrittenStack[],
  vms: readonly Member[],
): { stackOf: Record<string, string>; mistakes: string[] } {
  const stackOf: Record<string, string> = {};
  const mistakes = stacks.flatMap((one, index) => stackMistakes(one, index, stacks));
  for (const [index, { name: stack, vms: names = [] }] of stacks.entries())
    for (const name of names) {
      const at = `stacks[${index}].vms`;
      const other = own(stackOf, name);
      if (!vms.some((vm) => vm.name === name)) mistakes.push(`${at}: ${quote(name)} is not in the list of VMs`);
      else if (other === undefined) stackOf[name] = stack;
      else mistakes.push(`${at}: ${quote(name)} is in stack ${quote(other)} already`);
    }
  const rest = stacks.find((one) => one.rest);
  for (const { name, labels } of vms) {
    if (own(stackOf, name) !== undefined) continue;
    const fitting = stacks.find((one) => one.labels !== undefined && carries(labels, one.labels)) ?? rest;
    if (fitting !== undefined) stackOf[name] = fitting.name;
  }
  const strays = vms.flatMap(({ name }) => (own(stackOf, name) === undefined ? [quote(name)] : []));
  if (strays.length > 0)
    mistakes.push(
      `stacks: ${firstOf(strays, NAMED)} ${strays.length === 1 ? "is" : "are"} in no stack; give one stack rest: true`,
    );
  return { stackOf, mistakes };
}

function stackMistakes(one: WrittenStack, index: number, all: readonly WrittenStack[]): string[] {
  const at = `stacks[${index}]`;
  const given = [one.vms, one.labels, one.rest].filter((way) => way !== undefined);
  return [
    ...(all.findIndex(({ name }) => name === one.name) === index
      ? []
      : [`${at}.name: ${quote(one.name)} is used twice; names of stacks are unique`]),
    ...(given.length === 1 ? [] : [`${at}: ${quote(one.name)} must have one of vms (names), labels or rest: true`]),
    ...(one.rest && all.findIndex(({ rest }) => rest) !== index
      ? [`${at}.rest: only one stack may have rest: true`]
      : []),
  ];
}

/** A stack's part of the settings that several stacks share. */
interface StackShare {
  /** The values with only this stack's VMs. */
  values: Values;
  mistakes: string[];
  /** VM → its stack; undefined if there is one stack. */
  stackOf?: Record<string, string>;
  /** Maps a mistake in these values to the original list: `vms[0]` has another index there. */
  asWritten: (mistake: string) => string;
}

const shared = z.object({
  stacks: z.array(stack),
  vms: z.array(z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) })),
  defaults: z.looseObject({ labels: z.record(z.string(), z.string()).default({}) }).prefault({}),
});

/** Picks a stack's VMs. Settings that are invalid or have no `stacks` are returned unchanged: other checks report their mistakes. */
export function shareOf(values: Values, name: string): StackShare {
  const { data } = shared.safeParse(values);
  const whole: StackShare = { values, mistakes: [], asWritten: (mistake) => mistake };
  if (data === undefined) return whole;
  const { stacks, vms, defaults } = data;
  const { stackOf, mistakes } = assignStacks(stacks, labelled(vms, defaults));
  const names = stacks.map((one) => one.name);
  if (!names.includes(name))
    mistakes.push(`stacks: this stack, ${quote(name)}, is not among them: ${firstOf(names.map(quote), NAMED)}`);
  if (mistakes.length > 0) return { ...whole, mistakes };
  const indices = vms.flatMap((vm, index) => (own(stackOf, vm.name) === name ? [index] : []));
  const written = values["vms"] as unknown[];
  return {
    values: { ...values, vms: indices.map((index) => written[index]) },
    mistakes: [],
    stackOf,
    asWritten: (mistake) =>
      mistake
        .replace(/^((?:nixos-fleet:)?vms)\[(\d+)\]/, (_, key: string, index: string) => {
          const original = indices[Number(index)];
          return `${key}[${original ?? index}]`;
        })
        .replace(
          /^((?:nixos-fleet:)?(?:waves|schedules)\[\d+\]\.vms: "([^"]*)") is not a VM of this fleet$/,
          (line, start: string, vm: string) => {
            const other = own(stackOf, vm);
            return other === undefined ? line : `${start} is in stack ${quote(other)}`;
          },
        ),
  };
}
