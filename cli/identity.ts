/** With which identity a call reaches Google: the gcp provider's, which the stack's settings and the environment choose. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { googleIdentity, identitySettings } from "../rules/google-identity";
import type { Call } from "./command-line/command";
import { variable } from "./command-line/variable";
import { FleetError } from "./errors";
import { messageOf } from "../rules/text/system-error";
import type { Caller } from "./google/credentials";
import { projectDirectory, readIfThere } from "./project-directory";
import { rawSettings, selectedStack } from "./stack";

/** A key of a settings file that says who calls, or an environment of Pulumi's that may hold such a key. */
const CHOOSES = new RegExp(`^\\s*(["']?gcp:(${identitySettings.join("|")})["']?|environment)\\s*:`, "m");

/** A call's options stay the same object from its beginning to its end; Pulumi is asked once for each. */
const known = new WeakMap<Call["options"], Promise<Readonly<Record<string, string>>>>();

/** @throws FleetError if the stack's settings choose the identity and Pulumi cannot read them */
export async function callerOf(call: Call, project: string): Promise<Caller> {
  let settings = known.get(call.options);
  if (settings === undefined) known.set(call.options, (settings = identityOfStack(call)));
  return {
    project,
    identity: googleIdentity(await settings, call.env, project),
    iamEndpoint: variable(call, "NIXOS_FLEET_IAMCREDENTIALS_ENDPOINT"),
  };
}

/** The settings of the stack that choose the identity, by full key. Pulumi, which takes a second, is asked only if a file has some. */
async function identityOfStack(call: Call): Promise<Readonly<Record<string, string>>> {
  const directory = projectDirectory();
  const files = filesThatChoose(directory);
  if (files.length === 0) return {};
  const runOptions = { signal: call.signal, env: call.env };
  const named = call.options.text("stack") ?? variable(call, "NIXOS_FLEET_STACK");
  try {
    const stack = named ?? (await selectedStack(runOptions));
    if (!files.includes("Pulumi.yaml") && !files.includes(`Pulumi.${stack}.yaml`)) return {};
    const { values } = await rawSettings(stack, undefined, runOptions, { secrets: true });
    return values;
  } catch (error) {
    call.signal.throwIfAborted();
    throw new FleetError(
      "NF203",
      `${files.join(", ")} in ${directory} chooses the identity for Google, and Pulumi cannot read it: ${messageOf(error)}`,
    );
  }
}

function filesThatChoose(directory: string): string[] {
  return readdirSync(directory).filter(
    (name) => /^Pulumi\.([^/]+\.)?yaml$/.test(name) && CHOOSES.test(readIfThere(join(directory, name)) ?? ""),
  );
}
