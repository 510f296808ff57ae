/** The settings of the stack that a call is about: the one that it names, or that Pulumi has selected in the project's folder. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../rules/text/system-error";
import type { Call } from "./command-line/command";
import { variable } from "./command-line/variable";
import { projectDirectory, readIfThere } from "./project-directory";
import { rawSettings, selectedStack } from "./stack";

/** Values by full key; `problem` says why Pulumi cannot read `files`, which have one of the keys. */
export type SelectedSettings =
  | { stack: string; values: Readonly<Record<string, string>> }
  | { files: string; problem: string };

/** An environment of Pulumi's may hold any key. */
const ENVIRONMENT = "environment";

/**
 * Reads the settings if one of the project's files has one of these keys: Pulumi takes a second.
 * @param secrets whether secrets are read too, if there are any
 * @returns undefined if no file with such a key is the stack's
 */
export async function settingsWith(
  call: Call,
  keys: readonly string[],
  { secrets = false }: { secrets?: boolean } = {},
): Promise<SelectedSettings | undefined> {
  const directory = projectDirectory();
  const files = filesWith(directory, new RegExp(`^\\s*["']?(${[...keys, ENVIRONMENT].join("|")})["']?\\s*:`, "m"));
  if (files.length === 0) return undefined;
  const runOptions = { signal: call.signal, env: call.env };
  const named = call.options.text("stack") ?? variable(call, "NIXOS_FLEET_STACK");
  try {
    const stack = named ?? (await selectedStack(runOptions));
    if (!files.includes("Pulumi.yaml") && !files.includes(`Pulumi.${stack}.yaml`)) return undefined;
    return { stack, values: (await rawSettings(stack, undefined, runOptions, { secrets })).values };
  } catch (error) {
    call.signal.throwIfAborted();
    return { files: `${files.join(", ")} in ${directory}`, problem: messageOf(error) };
  }
}

function filesWith(directory: string, pattern: RegExp): string[] {
  return readdirSync(directory).filter(
    (name) => /^Pulumi\.([^/]+\.)?yaml$/.test(name) && pattern.test(readIfThere(join(directory, name)) ?? ""),
  );
}
