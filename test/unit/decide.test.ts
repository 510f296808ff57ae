/** The agents' decision, through jq as on a VM: the rules in docs/architecture.md, one line each. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { contract } from "../../contracts";

const rev = (digit: string) => digit.repeat(40);
const [A, B, C] = [rev("a"), rev("b"), rev("c")];
const lock = "0".repeat(64);
const key = (wave: string) => `nixos-fleet--devs--dev--${wave}`;
const approve = (waves: Record<string, string>) =>
  Object.fromEntries(Object.entries(waves).map(([wave, revision]) => [key(wave), JSON.stringify({ revision, lock })]));
const control = (written: object) => ({ [key("--control")]: JSON.stringify(written) });

interface Case {
  instance?: object;
  project?: Record<string, string>;
  state?: object | null;
  head?: string | null;
  descends?: boolean | null;
  force?: boolean;
  localHold?: object | null;
}

interface Decision {
  action: string;
  outcome?: string;
  target?: string;
  explicit?: boolean;
  approved?: string;
  need?: string;
}

/** Decides many cases in one run of jq. */
function decideAll(cases: Case[]): Decision[] {
  const inputs = cases.map((given) => ({
    vm: "dev-alice",
    project: {},
    state: null,
    head: null,
    descends: null,
    force: false,
    localHold: null,
    contract,
    ...given,
    instance: { fleet: "devs", stack: "dev", wave: "rest", follow: "branch", ...given.instance },
  }));
  const program = join(__dirname, "../../nix/agent/decide.jq");
  const output = execFileSync("jq", ["-c", "-f", program], {
    input: inputs.map((one) => JSON.stringify(one)).join("\n"),
  });
  return output
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Decision);
}

const runs = (revision: string, approved = revision) => ({ revision, approved });
const failedB = { refused: [{ revision: B, stage: "build" }] };

const table: [string, Case, Decision][] = [
  ["nothing is approved: wait", {}, { action: "stay", outcome: "deferred" }],
  [
    "another wave's approval does not count",
    { project: approve({ canary: B }), state: runs(A) },
    { action: "stay", outcome: "deferred" },
  ],
  [
    "a new machine of an approved wave starts there",
    { project: approve({ rest: A }) },
    { action: "update", target: A, explicit: true, approved: A },
  ],
  [
    "a changed approval acts",
    { project: approve({ canary: B, rest: B }), state: runs(A) },
    { action: "update", target: B, approved: B },
  ],
  [
    "a changed approval may go back",
    { project: approve({ rest: A }), state: runs(B) },
    { action: "update", target: A, explicit: true },
  ],
  [
    "all waves agree: follow the branch's head",
    { project: approve({ canary: A, rest: A }), state: runs(A) },
    { action: "need", need: "head" },
  ],
  [
    "the head moves a machine that follows it",
    { project: approve({ canary: A, rest: A }), state: runs(A), head: B, descends: false },
    { action: "update", target: B, explicit: false },
  ],
  [
    "the head is what runs",
    { project: approve({ canary: A, rest: A }), state: runs(A), head: A },
    { action: "stay", outcome: "unchanged" },
  ],
  [
    "while a rollout is open, the head moves nobody",
    { project: approve({ canary: B, rest: A }), state: runs(A), head: C },
    { action: "stay", outcome: "unchanged", target: A },
  ],
  [
    "follow approved: the head moves nobody",
    { instance: { follow: "approved" }, project: approve({ rest: A }), state: runs(A), head: C },
    { action: "stay", outcome: "unchanged" },
  ],
  [
    "an unchanged approval does not move back from a descendant",
    { instance: { follow: "approved" }, project: approve({ rest: A }), state: runs(B, A), descends: true },
    { action: "stay", outcome: "unchanged" },
  ],
  [
    "an unchanged approval brings back who strayed",
    { instance: { follow: "approved" }, project: approve({ rest: A }), state: runs(B, A), descends: false },
    { action: "update", target: A },
  ],
  [
    "a fleet's hold stops a changed approval",
    {
      project: { ...approve({ rest: B }), ...control({ holds: [{ scope: "fleet", by: "ann", why: "demo" }] }) },
      state: runs(A),
    },
    { action: "stay", outcome: "held", approved: A },
  ],
  [
    "another machine's hold does not",
    {
      project: { ...approve({ rest: B }), ...control({ holds: [{ scope: "vm:dev-bob", by: "ann", why: "" }] }) },
      state: runs(A),
    },
    { action: "update", target: B },
  ],
  [
    "a hold lapses when the approval moves on",
    {
      project: {
        ...approve({ rest: C }),
        ...control({ holds: [{ scope: "wave:rest", revision: B, by: "gate", why: "" }] }),
      },
      state: runs(A),
    },
    { action: "update", target: C },
  ],
  [
    "a pin beats the approval",
    { project: { ...approve({ rest: B }), ...control({ pins: { "dev-alice": C } }) }, state: runs(A) },
    { action: "update", target: C, explicit: true, approved: B },
  ],
  [
    "instead, previous: back to what ran before",
    {
      project: { ...approve({ rest: B }), ...control({ instead: { rest: { [B]: "previous" } } }) },
      state: { ...runs(B), previous: A },
    },
    { action: "update", target: A, approved: B },
  ],
  [
    "a refused revision is refused",
    { project: approve({ rest: B }), state: { ...runs(A), ...failedB } },
    { action: "stay", outcome: "failed", approved: B },
  ],
  [
    "until somebody asks for a retry",
    { project: { ...approve({ rest: B }), ...control({ retry: [B] }) }, state: { ...runs(A), ...failedB } },
    { action: "update", target: B },
  ],
  [
    "or forces it",
    { project: approve({ rest: B }), state: { ...runs(A), ...failedB }, force: true },
    { action: "update", target: B },
  ],
  [
    "an approval that is no JSON is none",
    { project: { [key("rest")]: "latest" }, state: runs(A) },
    { action: "stay", outcome: "deferred" },
  ],
];

describe("which revision a machine runs", () => {
  const answers = decideAll(table.map(([, given]) => given));
  it.each(table.map(([name, , wanted], index) => [name, wanted, answers[index]] as const))(
    "%s",
    (_, wanted, answer) => {
      expect(answer).toMatchObject(wanted);
    },
  );

  const revisions = fc.constantFrom(A, B, C);
  const situations = fc.record({
    instance: fc.record({ follow: fc.constantFrom("branch", "approved") }),
    project: fc.dictionary(fc.constantFrom("canary", "rest"), revisions).map(approve),
    state: fc.record({ revision: revisions, approved: revisions }),
    head: fc.option(revisions),
    descends: fc.option(fc.boolean()),
    force: fc.boolean(),
  });

  it("is never another one while a hold stands", () => {
    const held = fc.sample(situations, 100).map((given) => ({ ...given, localHold: { by: "ann", why: "demo" } }));
    for (const answer of decideAll(held)) expect(answer).toMatchObject({ action: "stay", outcome: "held" });
  });

  it("is never moved by an approval that is missing", () => {
    const missing = fc.sample(situations, 100).map((given) => ({ ...given, project: {} }));
    for (const answer of decideAll(missing)) expect(answer.action).toBe("stay");
  });

  it("never goes back from a descendant of an unchanged approval", () => {
    const unchanged = fc.sample(situations, 100).map((given) => ({
      ...given,
      instance: { follow: "approved" },
      project: approve({ rest: given.state.approved }),
      descends: true,
    }));
    for (const answer of decideAll(unchanged)) expect(answer.action).toBe("stay");
  });
});
