/** Inputs for the agents' decisions, and the one way to run them: through jq, as on a VM. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { contract } from "../../../rules/contract";

const agent = join(__dirname, "../../../nix/agent");

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
  localHold?: object | null;
  wanted?: string;
  right?: "head" | "approved";
}

export interface Decision {
  action: string;
  outcome: string;
  reason: string;
  stage?: string;
  error?: string;
  rolledBack?: boolean;
  needHead?: boolean;
  needDescent?: string;
  approved?: string | null;
  target?: { revision: string; lock: string | null; explicit: boolean };
  settings: Record<string, unknown>;
  retry: string[];
}

/** Rules: a name, what is known, and what of the decision must be as given. */
export type Table = [
  name: string,
  given: Case,
  wanted: Omit<Partial<Decision>, "target"> & { target?: Partial<Decision["target"]> },
][];

const usual = {
  fleet: "devs",
  stack: "dev",
  host: "dev-alice",
  wave: "rest",
  repository: "git://x/y",
  follow: "branch",
};

export function instanceText(instance: Case["instance"]): string | null {
  if (instance === null || typeof instance === "string") return instance;
  return JSON.stringify({ ...usual, ...instance });
}

/** Runs a function of one of the agents' jq files once for all inputs. */
export function runAll(file: string, name: string, inputs: readonly object[]): unknown[] {
  const output = execFileSync("jq", ["-c", "-L", agent, `include "${file}"; ${name}`], {
    input: inputs.map((one) => JSON.stringify({ contract, ...one })).join("\n"),
    maxBuffer: 64 * 1024 * 1024,
  });
  return output
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

/** Decides all cases for the system. */
export function decideAll(cases: readonly Case[]): Decision[] {
  const inputs = cases.map(({ instance, ...given }) => ({
    vm: "dev-alice",
    metadata: "present",
    attributes: {},
    settings: {},
    state: {},
    drifted: false,
    force: false,
    localHold: null,
    ...given,
    instance: instanceText(instance),
  }));
  return runAll("decide", "decide", inputs) as Decision[];
}
