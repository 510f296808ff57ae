/** Reads the CI files that `fleet init` writes, and runs their commands as GitHub's and GitLab's runners do. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { execa } from "execa";
import { parse } from "yaml";

export interface Step {
  uses?: string;
  run?: string;
  if?: string;
  name?: string;
  id?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
  "working-directory"?: string;
}

interface Job {
  steps: Step[];
  if?: string;
  permissions?: Record<string, string>;
  needs?: string;
  environment?: string;
  "runs-on": string;
}

interface Workflow {
  on: Record<string, unknown>;
  permissions: Record<string, string>;
  env?: Record<string, string>;
  jobs: Record<string, Job>;
}

interface Pipeline {
  variables?: Record<string, string>;
  default: { image: string; before_script: string[]; after_script?: string[] };
  [job: string]: unknown;
}

export const readWorkflow = (file: string) => parse(readFileSync(file, "utf8")) as Workflow;
export const readPipeline = (file: string) => parse(readFileSync(file, "utf8")) as Pipeline;

/** A job's commands in the order in which GitLab's runner gives them to one shell. */
export function jobScript(pipeline: Pipeline, job: string): string {
  const { script } = pipeline[job] as { script: string[] };
  return [...pipeline.default.before_script, ...script].join("\n");
}

/** The commands that GitLab's runner gives to another shell at a job's end, however it ended. */
export const jobEnd = (pipeline: Pipeline): string => (pipeline.default.after_script ?? []).join("\n");

/** What a job's commands see: the runner's and the project's variables, the file's own, and the job's, which may name others. */
export function jobVariables(pipeline: Pipeline, job: string, given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { variables = {} } = pipeline[job] as { variables?: Record<string, string> };
  const all = { ...pipeline.variables, ...given };
  const own = Object.entries(variables).map(([name, text]) => [
    name,
    text.replaceAll(/\$(\w+)/g, (_, other: string) => all[other] ?? ""),
  ]);
  return { ...all, ...(Object.fromEntries(own) as NodeJS.ProcessEnv) };
}

interface ScriptRun {
  exitCode: number;
  text: string;
}

/** Both runners' shell: bash that stops at the first command that fails. */
export async function runScript(script: string, cwd: string, env: NodeJS.ProcessEnv): Promise<ScriptRun> {
  const { exitCode, all } = await execa("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
    cwd,
    env,
    extendEnv: false,
    all: true,
    reject: false,
    stdin: "ignore",
  });
  return { exitCode: exitCode ?? -1, text: all };
}

/** What GitHub's expressions may name. */
export interface Contexts {
  github: { event_name: string; token: string; repository: string; event?: object };
  vars: Record<string, string>;
  secrets: Record<string, string>;
  hashFiles?: (pattern: string) => string;
}

/** An action's stand-in: its inputs, and the environment of the step. */
type Action = (inputs: Record<string, unknown>, env: NodeJS.ProcessEnv) => Promise<unknown>;

/**
 * Runs a job's steps as GitHub's runner does, conditions and expressions included. Text of expressions: `==`, `&&` and `||` mean to texts
 * there what they mean in JavaScript.
 * @param workspace the folder that the runner checks out into
 * @param env what the runner's machine has
 * @param actions by name, without the version; a step that names another one is an error
 * @returns what the actions answered, by name, and how the commands went
 */
export async function runJob(
  { env: variables = {}, jobs }: Workflow,
  job: string,
  contexts: Contexts,
  { workspace, env, actions }: { workspace: string; env: NodeJS.ProcessEnv; actions: Record<string, Action> },
): Promise<{ answers: Record<string, unknown>; commands: ScriptRun[] }> {
  const answers: Record<string, unknown> = {};
  const commands: ScriptRun[] = [];
  const fill = (texts: Record<string, unknown>, known: object): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(texts).map(([key, value]) => [
        key,
        typeof value === "string"
          ? value.replaceAll(/\$\{\{(.*?)\}\}/g, (_, text: string) => String(runInNewContext(text, known) ?? ""))
          : value,
      ]),
    );
  const common = fill(variables, contexts) as Record<string, string>;
  const known = { ...contexts, env: common };
  const when = jobs[job]?.if;
  if (when !== undefined && runInNewContext(when, contexts) !== true) return { answers, commands };
  for (const step of jobs[job]?.steps ?? []) {
    if (step.if !== undefined && runInNewContext(step.if, known) !== true) continue;
    const own = { ...env, ...common, ...(fill(step.env ?? {}, known) as Record<string, string>) };
    if (step.run !== undefined) {
      const run = await runScript(step.run, join(workspace, step["working-directory"] ?? ""), own);
      commands.push(run);
      if (run.exitCode !== 0) break;
    } else {
      const [name = ""] = (step.uses ?? "").split("@");
      const action = actions[name];
      if (action === undefined) throw new Error(`no stand-in for the action "${name}"`);
      answers[name] = await action(fill(step.with ?? {}, known), own);
    }
  }
  return { answers, commands };
}

/**
 * What GitLab's runner sets for a job, and what the templates' README has a company set.
 * @param directory where the project is checked out
 * @param origin the config repository, which the job clones by its URL on the server
 */
export function gitlabVariables(directory: string, origin: string): Record<string, string> {
  return {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: `url.${origin}.insteadOf`,
    GIT_CONFIG_VALUE_0: "https://gitlab-ci-token:job@gitlab.example.com/acme/machines.git",
    ...{ CI_SERVER_PROTOCOL: "https", CI_SERVER_HOST: "gitlab.example.com", CI_JOB_TOKEN: "job", CI_PROJECT_ID: "7" },
    ...{ CI_PROJECT_DIR: directory, CI_API_V4_URL: "https://gitlab.example.com/api/v4", CI_MERGE_REQUEST_IID: "5" },
    ...{ CONFIG_REPOSITORY: "acme/machines", GOOGLE_ID_TOKEN: "jwt", COMMENT_TOKEN: "note" },
    ...{ WORKLOAD_IDENTITY_PROVIDER: "projects/1/providers/gitlab", SERVICE_ACCOUNT: "ci@acme.iam.example.com" },
    PREVIEW_SERVICE_ACCOUNT: "preview@acme.iam.example.com",
  };
}

/** A folder of programs that stand in for those of a runner: name → what bash does instead. Each notes its arguments in `calls`. */
export function standIns(directory: string, programs: Readonly<Record<string, string>>) {
  const bin = join(directory, "bin");
  const log = join(directory, "calls");
  mkdirSync(bin, { recursive: true });
  writeFileSync(log, "");
  for (const [name, body] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/usr/bin/env bash\necho "${name} $*" >>'${log}'\n${body}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const calls = () => readFileSync(log, "utf8").trimEnd().split("\n");
  return { path: `${bin}:${process.env["PATH"] ?? ""}`, calls };
}
