/** What is known when an agent decides, as tables write it. */
import type { Target } from "../../../../rules/decision/decision";
import { decideSystem, type SystemDecision, type SystemInput } from "../../../../rules/decision/decide-system";
import { readMetadata, type Metadata } from "../../../../rules/metadata";
import { stateOf } from "../../../../rules/agent-state";

const rev = (digit: string) => digit.repeat(40);
/** Three revisions, oldest first. */
export const [A, B, C] = [rev("a"), rev("b"), rev("c")];
export const lock = "0".repeat(64);

const key = (wave: string) => `nixos-fleet--devs--dev--${wave}`;

/** Project metadata in which these waves are approved. */
export const approve = (waves: Record<string, string>) =>
  Object.fromEntries(Object.entries(waves).map(([wave, revision]) => [key(wave), JSON.stringify({ revision, lock })]));

/** Project metadata with a control item, written as given. */
export const control = (written: object | string) => ({
  [key("--control")]: typeof written === "string" ? written : JSON.stringify(written),
});

/** Project metadata with an approval that is written wrongly. */
export const written = (wave: string, text: string) => ({ [key(wave)]: text });

/** A state in which a revision runs, and which approval it acted on last. */
export const runs = (revision: string, approved: string | undefined = revision) => ({ revision, approved });

/** What is known; what is left out is as on a VM `dev-alice` of wave `rest` that nothing was deployed to. */
export interface Case {
  metadata?: "present" | "away" | "none";
  /** Goes over the usual instance; null where there is no such item, text where it is written wrongly. */
  instance?: object | string | null;
  attributes?: Record<string, string>;
  settings?: object;
  state?: object;
  head?: string;
  descends?: boolean;
  drifted?: boolean;
  force?: boolean;
  joined?: boolean;
  localHold?: object | null;
  wanted?: string;
  right?: "head" | "approved";
}

/** A decision in the tables' terms. */
export interface CaseDecision extends SystemDecision {
  needHead?: boolean;
  needDescent?: string;
}

/** Rules: a name, what is known, and what of the decision must be as given. */
export type Table = [
  name: string,
  given: Case,
  wanted: Omit<Partial<CaseDecision>, "target" | "settings"> & { target?: Partial<Target>; settings?: object },
][];

const usual = {
  fleet: "devs",
  stack: "dev",
  host: "dev-alice",
  wave: "rest",
  repository: "git://x/y",
  follow: "branch",
};

function instanceText(instance: Case["instance"]): string | null {
  if (instance === null || typeof instance === "string") return instance;
  return JSON.stringify({ ...usual, ...instance });
}

/** What a metadata server says that has these items. */
function metadataOf({ metadata = "present", instance, attributes = {} }: Case): Metadata {
  if (metadata === "away") return { kind: "away", problem: "no answer" };
  if (metadata === "none") return { kind: "none" };
  const text = instanceText(instance);
  return readMetadata(
    {
      attributes: { status: 200, body: JSON.stringify(attributes) },
      name: { status: 200, body: "dev-alice" },
      instance: text === null ? { status: 404, body: "" } : { status: 200, body: text },
    },
    true,
  );
}

function inputOf(given: Case): SystemInput {
  return {
    metadata: metadataOf(given),
    joined: given.joined ?? false,
    hostname: "localhost",
    settings: { ...given.settings },
    state: stateOf({ ...given.state }),
    localHold: given.localHold ?? null,
    right: given.right ?? "head",
    wanted: given.wanted,
    force: given.force ?? false,
    drifted: given.drifted ?? false,
    head: given.head,
    descends: given.descends,
  };
}

/** The decision in the tables' terms. */
export function decideCase(given: Case): CaseDecision {
  const decision = decideSystem(inputOf(given));
  const { need } = decision;
  return {
    ...decision,
    ...(need?.kind === "head" ? { needHead: true } : {}),
    ...(need?.kind === "descent" ? { needDescent: need.revision } : {}),
  };
}
