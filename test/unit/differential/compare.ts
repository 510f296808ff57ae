/** Compares what rules/ and an agent's jq make of the same situations: what differs must be allowed by a name, and is counted. */
import { join } from "node:path";
import { expect } from "vitest";
import { same } from "../../../rules/report";
import { nativeJq, wasmJq, type Jq } from "./jq";

export const seed = Number(process.env["NIXOS_FLEET_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
export const count = Number(process.env["NIXOS_FLEET_RUNS"] ?? 400);
/** The programs of the agent of version 0.1.0. */
export const frozen = join(__dirname, "../../fixtures/agent-0.1.0/nix/agent");
export const jqs = ["native", "jq-1.7", "jq-1.8"] as const;

/** The fields of an answer that are compared. What has parts is compared as what it holds, whatever the order of its fields. */
export type Comparable = Record<string, unknown>;

/** In what two answers may differ. */
export interface Difference<S> {
  /** The fault that is behind it. */
  name: string;
  /** Whether it may show in this situation. */
  applies: (situation: S) => boolean;
  /** The fields of the answer that it is about; all where it changes the decision itself. */
  fields?: readonly string[];
}

/** The jq of a name; undefined, and said so, where it is not installed. */
export async function findJq(name: (typeof jqs)[number]): Promise<Jq | undefined> {
  const jq = name === "native" ? nativeJq() : await wasmJq(name);
  if (!("missing" in jq)) return jq;
  console.log(`skipped: ${jq.missing}`);
  return undefined;
}

/**
 * Expects each pair of answers to be equal but for what a difference that applies allows; prints how often each showed.
 * @param who names the agent and its jq
 */
export function expectSame<S>(
  who: string,
  situations: readonly S[],
  ours: (situation: S) => Comparable,
  theirs: readonly Comparable[],
  differences: readonly Difference<S>[],
): void {
  const tally = new Map<string, number>();
  const unexpected = situations.flatMap((situation, index) => {
    const [one, other] = [ours(situation), theirs[index] ?? {}];
    const differing = [...new Set([...Object.keys(one), ...Object.keys(other)])].filter(
      (name) => !same(one[name], other[name]),
    );
    const known = differences.filter(({ applies }) => applies(situation));
    const unknown = differing.filter((field) => !known.some(({ fields }) => fields?.includes(field) ?? true));
    if (unknown.length > 0)
      return [{ situation, ...Object.fromEntries(differing.map((field) => [field, [one[field], other[field]]])) }];
    const shown = known.filter(({ fields }) => differing.some((field) => fields?.includes(field) ?? true));
    for (const { name } of shown) tally.set(name, (tally.get(name) ?? 0) + 1);
    return [];
  });
  const share = (times: number) => `${((100 * times) / situations.length).toFixed(1)} %`;
  const text = [...tally].map(([one, times]) => `${one}: ${times} (${share(times)})`).join(", ");
  console.log(`seed ${seed}, ${who}, ${situations.length} pairs: allowed differences: ${text || "none"}`);
  // The shortest says most.
  const [shortest] = unexpected.map((one) => JSON.stringify(one, null, 1)).sort((a, b) => a.length - b.length);
  expect(shortest ?? "all agree", `seed ${seed}: ${unexpected.length} differ; [rules, jq]`).toBe("all agree");
}
