/** What local and remote commands share: when a command runs, and which results are stored. */
import { randomBytes } from "node:crypto";
import { mistakes, type Failure } from "../core/check";
import { changes } from "../core/diff";
import type { Resource, Run } from "../core/provider";
import type { Properties } from "../core/typings";
import { text, UNKNOWN, type Props } from "../core/value";

/** What a command printed, without the last line's end. */
export interface Output {
  stdout: string;
  stderr: string;
}

interface CommandKind {
  label: string;
  properties: () => Properties;
  /** The inputs with the official provider's defaults. */
  defaults?: (inputs: Props) => Props;
  /** Inputs that the declarations allow but this stand-in does not support. */
  refuse?: (inputs: Props) => Failure[];
  secrets?: string[];
  /** Runs one command to its end, with the resource's inputs; rejects if it fails. */
  execute: (command: string, inputs: Props, previous: Output, run: Run) => Promise<Output>;
}

/**
 * A command resource with the official provider's rules: any change runs `update`, or `create` if there is no `update`; changed
 * `triggers` replace; a failed create stores nothing, and a failed update leaves the old state.
 */
export function commandResource(kind: CommandKind): Resource {
  const execute = (command: string | undefined, inputs: Props, previous: Output, run: Run) =>
    command === undefined ? Promise.resolve(previous) : kind.execute(command, inputs, previous, run);
  return {
    check: ({ inputs }) => {
      const failures = [...mistakes(kind.properties(), inputs, kind.label), ...(kind.refuse?.(inputs) ?? [])];
      const whole = failures.length === 0 && kind.defaults ? kind.defaults(inputs) : inputs;
      return { inputs: whole, failures, ...(kind.secrets ? { secrets: kind.secrets } : {}) };
    },
    diff: ({ olds, inputs }) => ({
      changes: changes(olds, inputs).map(({ path, rule, kind: what }) => ({
        path,
        kind: what,
        replace: rule[0] === "triggers",
      })),
      deleteBeforeReplace: false,
    }),
    create: async ({ name, inputs, preview, ...run }) => {
      const id = name + randomBytes(4).toString("hex");
      if (preview) return { id, state: { ...inputs, stdout: UNKNOWN, stderr: UNKNOWN } };
      const output = await execute(text(inputs, "create"), inputs, { stdout: "", stderr: "" }, run);
      return { id, state: { ...inputs, ...output } };
    },
    read: ({ id, state, inputs }) => Promise.resolve({ id, state, inputs }),
    update: async ({ state, inputs, preview, ...run }) => {
      if (preview) return { ...inputs, stdout: UNKNOWN, stderr: UNKNOWN };
      const command = text(inputs, "update") ?? text(inputs, "create");
      return { ...inputs, ...(await execute(command, inputs, outputOf(state), run)) };
    },
    delete: async ({ state, ...run }) => {
      await execute(text(state, "delete"), state, outputOf(state), run);
    },
  };
}

function outputOf(state: Props): Output {
  return { stdout: text(state, "stdout") ?? "", stderr: text(state, "stderr") ?? "" };
}

/** The environment that the inputs define: their own variables, and the output of the last run. */
export function environment(inputs: Props, { stdout, stderr }: Output): Record<string, string> {
  const own = Object.entries(inputs["environment"] ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  const previous =
    inputs["addPreviousOutputInEnv"] === false
      ? []
      : [["PULUMI_COMMAND_STDOUT", stdout] as const, ["PULUMI_COMMAND_STDERR", stderr] as const];
  return Object.fromEntries([...own, ...previous.filter(([, value]) => value !== "")]);
}

/** Whether output of this stream is shown while the command runs. */
export function shown(inputs: Props, stream: "stdout" | "stderr"): boolean {
  const logging = text(inputs, "logging") ?? "stdoutAndStderr";
  return logging === "stdoutAndStderr" || logging === stream;
}

/** Go's `strings.TrimSuffix(…, "\n")`. */
export function trimmed(output: Output): Output {
  return { stdout: output.stdout.replace(/\n$/, ""), stderr: output.stderr.replace(/\n$/, "") };
}
