/** With which identity a call reaches Google: the gcp provider's, which the stack's settings and the environment choose. */
import { googleIdentity, identitySettings } from "../rules/google-identity";
import type { Call } from "./command-line/command";
import { variable } from "./command-line/variable";
import { FleetError } from "./errors";
import type { Caller } from "./google/credentials";
import { settingsWith } from "./selected-stack";

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

/** The settings of the stack that choose the identity, by full key. */
async function identityOfStack(call: Call): Promise<Readonly<Record<string, string>>> {
  const keys = identitySettings.map((key) => `gcp:${key}`);
  const read = await settingsWith(call, keys, { secrets: true });
  if (read === undefined) return {};
  if ("values" in read) return read.values;
  const { files, problem } = read;
  throw new FleetError("NF203", `${files} chooses the identity for Google, and Pulumi cannot read it: ${problem}`);
}
