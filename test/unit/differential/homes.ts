/** A home's decision: what its agent may meet, and what it is allowed to make otherwise of it than rules/. */
import fc from "fast-check";
import { parseState } from "../../../rules/agent-state";
import { decideHome, type HomeDecision, type HomeInput } from "../../../rules/decision/decide-home";
import { parseObject } from "../../../rules/text/json";
import { flat } from "../../../rules/text/text";
import type { Difference } from "./compare";
import { hasOddState } from "./differences";
import { targetDifferences, type TargetFacts } from "./target-differences";
import {
  A,
  B,
  C,
  D,
  home,
  localHold,
  often,
  optional,
  origin,
  revision,
  sometimes,
  malformed,
  state,
  text,
} from "./situations";
import { withoutUndefined } from "./situations";

/** What a home's agent decides from, before anything of it is read. */
interface HomeSituation {
  /** What root wrote for all homes of the machine. */
  homes: string;
  settings: string;
  state: string;
  hold: string;
  current: string;
  force: boolean;
  right: "head" | "approved";
  wanted: string;
  head: string | undefined;
  descends: boolean | undefined;
}

const lock = "0".repeat(64);
const approved = fc.record({ revision, lock: fc.constant(lock) });
const entry = fc
  .record({
    home,
    approved: sometimes(often(approved as fc.Arbitrary<object>, 4, fc.constant({}))),
    approval: optional(approved),
    deployKeySecret: sometimes(fc.constant("projects/p/secrets/s")),
  })
  .map(({ home, ...more }) => ({ ...home, ...withoutUndefined(more) }));

/** Root writes this file, so that it is as it should be but for what an older agent wrote. */
const homesFile = often(
  fc
    .record({
      revision: often(revision, 20, fc.constant("")),
      lock: fc.constant(lock),
      mirror: fc.constant("/var/lib/mirror.git"),
      at: fc.constant("2026-01-01T00:00:00Z"),
      retry: fc.array(revision, { maxLength: 1 }),
      homes: fc.array(entry, { maxLength: 3 }),
      knownHosts: fc.constantFrom("", "x ssh-ed25519 AAAA"),
    })
    .map((one) => JSON.stringify(one)),
  20,
  fc.constantFrom("", "{", "{}"),
);

export const homeSituation: fc.Arbitrary<HomeSituation> = fc.record({
  homes: homesFile,
  settings: often(
    text(
      malformed(
        fc
          .record({
            attribute: sometimes(fc.constantFrom("eve", "bob")),
            repository: sometimes(sometimes(fc.constantFrom("git://x/home", origin))),
          })
          .map(withoutUndefined),
        100,
      ),
    ),
    1,
    fc.constant(""),
  ),
  state: often(text(state), 10, fc.constant("")),
  hold: localHold,
  current: often(fc.constant("/nix/store/a"), 8, fc.constant("/nix/store/b")),
  force: often(fc.constant(false), 10, fc.constant(true)),
  right: fc.constantFrom("head", "head", "approved"),
  wanted: often(fc.constant(""), 30, revision),
  head: often<string | undefined>(fc.constantFrom(A, B, C, D), 9, fc.constant(undefined)),
  descends: optional(fc.boolean()),
});

function homeInputOf(situation: HomeSituation): HomeInput {
  const { hold, settings, current, force, right, wanted, head, descends } = situation;
  const { state } = parseState(situation.state);
  return {
    ...{ user: "eve", homes: parseObject(situation.homes) ?? null, settings: parseObject(settings) ?? {}, state },
    localHold: hold === "" ? null : (parseObject(hold) ?? {}),
    ...{ alone: false, right, wanted: wanted === "" ? undefined : wanted, force, head, descends },
    drifted: current !== (state.deployed ?? null),
  };
}

/** The named arguments of `home.jq`, as the agent's bash gives them. */
export function homeJqInputOf(situation: HomeSituation): object {
  const { homes, settings, state, hold, current, force, wanted, head } = situation;
  const named = { homes, settings, state, hold, current, force: String(force), wanted, user: "eve" };
  return { input: null, named: head === undefined ? named : { ...named, head } };
}

export function decidedHome(situation: HomeSituation): HomeDecision {
  return decideHome(homeInputOf(situation));
}

const ownRepository = (situation: HomeSituation) => decidedHome(situation).settings.repository !== undefined;

export function homeTargetFacts(situation: HomeSituation): TargetFacts {
  const { state, homes, drifted, force } = homeInputOf(situation);
  const { settings, target } = decidedHome(situation);
  const { repository = homes?.mirror, attribute } = settings;
  const origin = { repository, attribute };
  return { state, origin, revision: target?.revision, drifted, force, retry: homes?.retry ?? [] };
}

export const homeDifferences: readonly Difference<HomeSituation>[] = [
  {
    name: "what the watcher and SSH started sent a home to its branch's head",
    applies: (situation) => situation.right === "approved" && ownRepository(situation),
  },
  {
    name: "a home that does not know what it may run went to its branch's head",
    applies: (situation) => parseObject(situation.homes) === undefined && ownRepository(situation),
  },
  ...targetDifferences<HomeSituation>("attribute", homeTargetFacts),
  { name: "a state with a value of the wrong type was kept", applies: hasOddState },
  {
    name: "a module's setting of the wrong type was taken as it is",
    applies: ({ settings }) => Object.values(parseObject(settings) ?? {}).some((value) => typeof value !== "string"),
  },
  {
    name: "a branch that is no text was shown as JSON",
    fields: ["reason", "error"],
    applies: (situation) => typeof decidedHome(situation).settings.branch !== "string",
  },
  {
    name: "a hold's long reason was taken whole",
    applies: ({ hold }) => {
      const { by, why } = parseObject(hold) ?? {};
      return hold !== "" && (by === "" || typeof (why ?? "") !== "string" || flat(String(why)) !== why);
    },
  },
];
