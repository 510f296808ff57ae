/** When a watcher asks for an update: rules/ against the jq of version 0.1.0, for two answers of the metadata server, one after the other. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { approvalKey, contract, controlKey } from "../../../rules/contract";
import { parseObject } from "../../../rules/text/json";
import { readMetadata, type Metadata } from "../../../rules/metadata";
import { changeOf, relevantState } from "../../../rules/decision/relevant-state";
import { count, expectSame, findJq, frozen, jqs, seed, type Difference } from "./compare";
import { often, systemSituation, type SystemSituation } from "./situations";
import { jqInputOf } from "./system";

type Answers = NonNullable<SystemSituation["answers"]>;
interface Pair {
  before: Answers;
  after: Answers;
}

/** What the server says next is mostly what it said, with one item changed. */
const pair: fc.Arbitrary<Pair> = fc
  .tuple(systemSituation, systemSituation, fc.nat(), often(fc.constant(true), 6, fc.constant(false)))
  .filter(([one, other]) => one.answers !== undefined && other.answers !== undefined)
  .map(([one, other, which, small]) => {
    const [before, next] = [one.answers as Answers, other.answers as Answers];
    return { before, after: small ? changedOnce(before, next, which) : next };
  });

function changedOnce(before: Answers, next: Answers, which: number): Answers {
  const [items, others] = [attributesOf(before), attributesOf(next)];
  const keys = [...new Set([...Object.keys(items), ...Object.keys(others)])].filter((key) =>
    key.startsWith("nixos-fleet"),
  );
  const key = [...keys, "instance", "nothing"][which % (keys.length + 2)] ?? "";
  if (key === "nothing") return before;
  if (key === "instance") return { ...before, instance: next.instance };
  const { [key]: _, ...rest } = items;
  const changed = key in others ? { ...rest, [key]: others[key] } : rest;
  return { ...before, attributes: { status: 200, body: JSON.stringify(changed) } };
}

const attributesOf = ({ attributes }: Answers) => parseObject(attributes?.body ?? "") ?? {};

const read = (answers: Answers): Metadata => readMetadata(answers, true);
const isWhole = (metadata: Metadata): metadata is Extract<Metadata, { kind: "present" | "absent" }> =>
  metadata.kind === "present" || metadata.kind === "absent";

/** What a watcher says of the change; undefined where it sees none, or looks again because an answer was not whole. */
function said({ before, after }: Pair): string | undefined {
  const [one, other] = [read(before), read(after)];
  return isWhole(one) && isWhole(other) ? changeOf(relevantState(one), relevantState(other)) : undefined;
}

const project = (one: Answers) => {
  const metadata = read(one);
  return metadata.kind === "present" ? relevantState(metadata) : null;
};

const differences: readonly Difference<Pair>[] = [
  {
    name: "a VM's homes and its source woke it only with its wave",
    applies: (both) => said(both) === "this VM's own metadata",
  },
  {
    name: "an answer that is not whole counted as one",
    applies: ({ before, after }) => !isWhole(read(before)) || !isWhole(read(after)),
  },
  {
    name: "an item of the wrong shape was taken as far as it went",
    applies: ({ before, after }) => [before, after].some((one) => hasOddItems(one)),
  },
  {
    name: "the undo of another revision than the approved one woke a VM",
    applies: (both) => said(both) === undefined && undo(both.before) !== undo(both.after),
  },
  {
    name: "a hold that is new to a VM, by its scope or revision, was none",
    applies: ({ before, after }) =>
      [before, after].some((one) =>
        (project(one)?.holds ?? []).some(({ scope }) => !/^(fleet|(wave|vm):.+)$/.test(scope)),
      ),
  },
];

/** Whether an item is there that today's readers refuse. */
function hasOddItems(answers: Answers): boolean {
  const metadata = read(answers);
  if (metadata.kind !== "present") return false;
  const { fleet, stack, wave = "" } = metadata.instance;
  const relevant = relevantState(metadata);
  const item = metadata.attributes[approvalKey(fleet, stack, wave)];
  // A null in an approval is a field that is not there; that version compared it as a value.
  const hasNull = Object.values(parseObject(item ?? "") ?? {}).includes(null);
  return relevant?.control !== undefined || (item !== undefined && relevant?.approval === null) || hasNull;
}

/** What the control item of the VM's own fleet says of undone revisions. */
function undo(answers: Answers): string {
  const metadata = read(answers);
  const { fleet, stack } = metadata.kind === "present" ? metadata.instance : {};
  const control = attributesOf(answers)[controlKey(String(fleet), String(stack))];
  return JSON.stringify(parseObject(typeof control === "string" ? control : "")?.["instead"] ?? {});
}

const samples = fc.sample(pair, { numRuns: count, seed });

it("at least three in ten of the pairs wake the VM, and three in ten do not", () => {
  const waking = samples.filter((one) => said(one) !== undefined).length;
  console.log(`seed ${seed}: ${waking} of ${samples.length} pairs wake the VM`);
  expect(waking).toBeGreaterThan(samples.length * 0.3);
  expect(waking).toBeLessThan(samples.length * 0.7);
});

/** As the watcher's bash calls it: both projections, whether they differ, and what it says then. */
const program = (includes: readonly string[]) => `${includes.map((one) => `include "${one}";`).join(" ")}
  def projection($contract): told($contract) + { $contract } | concern;
  .contract as $contract
  | (try { before: (.before | projection($contract)), after: (.after | projection($contract)) } catch { failed: tostring })
  | if .failed then . else .before as $before | .after as $after
    | if $before == $after then { said: null }
      else { said: (if $after == null then "no fleet any more"
        elif ($before // {}).approval != $after.approval and $after.approval != null then "approval of \\($after.approval.revision[0:7])"
        elif ($before // {}).wave != $after.wave then "wave \\($after.wave)"
        else "control item" end) } end end`;

it("the watcher of version 0.1.0 crashes jq 1.8.2, by the order in which it includes", async () => {
  const jq = await findJq("jq-1.8");
  if (jq === undefined) return;
  await expect(jq.run(frozen, program(["metadata", "watch"]), [])).rejects.toThrow(/CLOSURE_PARAM/);
});

it.each(jqs)("a watcher asks for an update as rules/ does, under jq %s", async (name) => {
  const jq = await findJq(name);
  if (jq === undefined) return;
  const lines = (answers: Answers) => (jqInputOf({ ...blank, answers }) as { input: string }).input;
  const inputs = samples.map(({ before, after }) => ({ contract, before: lines(before), after: lines(after) }));
  const theirs = (await jq.run(frozen, program(["watch", "metadata", "fleet"]), inputs)) as Record<string, unknown>[];
  const ours = (one: Pair) => ({ said: said(one)?.replace(/^wave none$/, "wave null") ?? null });
  expectSame(`the watcher of agent 0.1.0, jq ${jq.version}`, samples, ours, theirs, differences);
});

const blank: SystemSituation = {
  ...{ answers: undefined, google: true, joined: true, state: "", hold: "", trial: "", settings: "" },
  ...{ current: "", profile: "", boot: "", force: false, right: "approved", wanted: "" },
  ...{ head: undefined, descends: undefined },
};
