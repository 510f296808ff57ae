/** What `fleet init` has to know: from its options, else from the person at the terminal. */
import type { Call, OptionSpec } from "../command-line/command";
import { UsageError } from "../errors";
import { shapes } from "../../rules/shapes";
import { holdsSecret, withoutCredentials } from "../../rules/text/credentials";
import { oneLine } from "../../rules/text/text";

interface Question {
  /** The option that answers it. */
  option: string;
  text: string;
  pattern: RegExp;
  /** What the answer must look like, for people. */
  right: string;
  /** Whether it may hold several, separated by spaces or commas. */
  several?: boolean;
}

const questions = [
  {
    option: "project",
    text: "The Google Cloud project that gets the fleet",
    pattern: shapes.project,
    right: "a project's id, such as acme-dev",
  },
  {
    option: "repository",
    text: "Where the VMs clone the config repository from",
    pattern: shapes.repository,
    right: "an http(s), ssh or git URL",
  },
  {
    option: "image",
    text: "The VMs' image",
    pattern: shapes.image,
    right: "an image or a family, such as projects/acme-dev/global/images/family/nixos-fleet",
  },
  {
    option: "infra",
    text: "Who logs in as administrator",
    pattern: shapes.member,
    right: "user:ADDRESS or group:ADDRESS",
    several: true,
  },
  {
    option: "developers",
    text: "Who logs in without root",
    pattern: shapes.member,
    right: "user:ADDRESS or group:ADDRESS",
    several: true,
  },
  {
    option: "flake",
    text: "nixos-fleet's flake",
    pattern: /^[a-z][a-z0-9+]*:\S+$/,
    right: "a flake's URL, such as github:acme/nixos-fleet",
  },
] as const satisfies readonly Question[];

const noSecret =
  "must not hold a user name, password or token, which the files would show; pulumi config set --secret nixos-fleet:deployKey is for those";

/** By option; what was not given is not there. */
export type Answers = Partial<Record<(typeof questions)[number]["option"], string[]>>;

/** The options that answer the questions. */
export const answerOptions: Readonly<Record<string, OptionSpec>> = {
  repository: { value: "URL", description: "where the VMs clone the config repository from" },
  image: { value: "IMAGE", description: "the VMs' image, or its family" },
  infra: {
    value: "MEMBER",
    multiple: true,
    description: "who logs in as administrator: user:ADDRESS or group:ADDRESS; may be repeated",
  },
  developers: {
    value: "MEMBER",
    multiple: true,
    description: "who logs in without root: user:ADDRESS or group:ADDRESS; may be repeated",
  },
  flake: { value: "URL", description: "nixos-fleet as the config repository's flake names it" },
};

/**
 * What was given, and on a terminal what is asked for the rest. An empty answer leaves it open.
 * @throws UsageError if an option is not what it must be; on the terminal the question is repeated instead
 */
export async function answers({ options, ask, printError }: Call): Promise<Answers> {
  const found: Answers = {};
  for (const question of questions) {
    const { option, pattern, right }: Question = question;
    const several = "several" in question;
    const given = several ? [...options.list(option)] : [options.text(option) ?? []].flat();
    if (given.some(leaks)) throw new UsageError(`init: --${option} ${noSecret}`);
    const wrong = given.find((one) => !pattern.test(one));
    if (wrong !== undefined) throw new UsageError(`init: --${option} is ${shown(wrong)}; it must be ${right}`);
    const all = given.length > 0 || ask === undefined ? given : await askFor(question, ask, printError);
    if (all.length > 0) found[question.option] = all;
  }
  return found;
}

/** Whether an answer, a flake's URL too, holds a credential. */
function leaks(answer: string): boolean {
  return holdsSecret(answer.replace(/^git\+/, ""));
}

function shown(answer: string): string {
  return oneLine(withoutCredentials(answer), 80);
}

async function askFor(
  { text, pattern, right, several = false }: Question,
  ask: (question: string) => Promise<string>,
  printError: (line: string) => void,
): Promise<string[]> {
  for (;;) {
    const answer = (await ask(`${text} (${right}; empty: later):`)).trim();
    const all = several ? answer.split(/[\s,]+/) : [answer];
    if (answer === "") return [];
    const wrong = all.find((one) => leaks(one) || !pattern.test(one));
    if (wrong === undefined) return all;
    printError(leaks(wrong) ? `it ${noSecret}` : `${shown(wrong)} is not ${right}`);
  }
}
