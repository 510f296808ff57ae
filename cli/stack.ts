/** A stack's settings as the operator's tool knows them: as Pulumi prints them, unchecked. Only the program checks what they mean. */
import { resolve } from "node:path";
import * as z from "zod";
import type { FlakeUser } from "../rules/flake-names";
import { parseJson } from "../rules/text/json";
import { oneLine } from "../rules/text/text";
import { FleetError, UsageError } from "./errors";
import type { Source } from "./fleet";
import { projectDirectory } from "./project-directory";
import { runProgram, type RunOptions } from "./run-program";

/** What the program makes of a stack's settings. */
export interface StackSettings {
  project: string;
  region: string;
  /** Of VMs that name none. */
  zone: string;
  fleet: string;
  /** Where the operator reads the config repository. */
  source: Source;
  /** The APIs that it takes, such as `compute.googleapis.com`. */
  apis: string[];
  /** What a person should know of the settings, a line each. */
  warnings: string[];
  /** Items of the project's metadata that are the program's and not a rollout's. */
  projectMetadata: Record<string, string>;
  vms: ExpectedVm[];
  /** The images that the program creates, by their names and families. */
  madeImages: string[];
  /** The home disks of which the stack takes a snapshot each day. */
  snapshotDisks: { name: string; zone: string }[];
  /** How updates are triggered besides the VMs' own watching; undefined if they are not. */
  ssh?: { port: number; addresses: Record<string, string>; bastion?: { host: string; port: number } };
}

/** A VM as the next `pulumi up` would have it. */
export interface ExpectedVm extends FlakeUser {
  zone: string;
  machineType: string;
  image: string;
  metadata: Record<string, string>;
}

/** A stack's configuration as Pulumi hands it over: full keys, and values as text. */
export interface RawSettings {
  values: Record<string, string>;
  /** The keys that Pulumi keeps encrypted. */
  encrypted: string[];
}

/** Reads a raw configuration. `settings` is there when there are no mistakes. */
export type ReadSettings = (
  raw: RawSettings,
  stack: string,
) => Promise<{ settings?: StackSettings; mistakes: string[] }>;

/** A resource of a stack's state, as far as it is read here. */
export interface StateResource {
  urn: string;
  type: string;
  parent?: string | undefined;
  /** The name that the provider knows it by, if it has one. */
  name?: string | undefined;
}

const stateShape = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          urn: z.string(),
          type: z.string(),
          parent: z.string().optional(),
          inputs: z.looseObject({ name: z.unknown().optional() }).optional(),
        }),
      )
      .default([]),
  }),
});

/** The resources that a stack has in Pulumi's state. @throws FleetError with one line */
export async function stateOf(stack: string, runOptions: RunOptions): Promise<StateResource[]> {
  const text = await runProgram("pulumi", ["stack", "export", "--stack", stack, "--non-interactive"], {
    ...runOptions,
    cwd: projectDirectory(),
  });
  const read = stateShape.safeParse(json(text, "pulumi stack export"));
  if (!read.success) throw new FleetError("NF207", "pulumi stack export printed no state that this version knows");
  return read.data.deployment.resources.map(({ urn, type, parent, inputs }) => ({
    urn,
    type,
    ...(parent === undefined ? {} : { parent }),
    ...(typeof inputs?.name === "string" ? { name: inputs.name } : {}),
  }));
}

const configShape = z.record(
  z.string(),
  z.object({ value: z.string().optional(), secret: z.boolean().default(false) }),
);

/** The stack that Pulumi has selected. @throws FleetError with one line */
export async function selectedStack(runOptions: RunOptions): Promise<string> {
  return (
    await runProgram("pulumi", ["stack", "--show-name", "--non-interactive"], {
      ...runOptions,
      cwd: projectDirectory(),
    })
  ).trim();
}

/**
 * A stack's configuration, defaults of the project included; in place of a secret stands that it is one.
 * @param file where it is read, if not beside the program
 * @param secrets whether secrets are read too, if there are any
 * @throws FleetError with one line
 */
export async function rawSettings(
  stack: string,
  file: string | undefined,
  runOptions: RunOptions,
  { secrets = false }: { secrets?: boolean } = {},
): Promise<RawSettings> {
  const where = file === undefined ? [] : ["--config-file", resolve(file)];
  const args = ["config", "--json", "--stack", stack, "--non-interactive", ...where];
  const ask = (...more: string[]) =>
    runProgram("pulumi", [...args, ...more], { ...runOptions, cwd: projectDirectory() });
  const parsed = parseConfig(await ask());
  const encrypted = Object.keys(parsed).filter((key) => parsed[key]?.secret);
  // Only what is encrypted takes the stack's passphrase or key.
  const entries = Object.entries(secrets && encrypted.length > 0 ? parseConfig(await ask("--show-secrets")) : parsed);
  return { values: Object.fromEntries(entries.map(([key, { value = "[secret]" }]) => [key, value])), encrypted };
}

/** Whether a stack has settings of a fleet. A program may give all of them as arguments, which nothing but the program knows. */
export function hasFleetSettings({ values }: RawSettings): boolean {
  return Object.keys(values).some((key) => key.startsWith("nixos-fleet:"));
}

/**
 * Refuses the settings of another project or fleet: `pulumi` takes those of this directory, and the tool reads what its options name.
 * @throws UsageError
 */
export function requireSettingsOf(
  { project, fleet }: { project: string; fleet: string },
  { values }: RawSettings,
): void {
  for (const [key, read, option] of [
    ["gcp:project", project, "--project"],
    ["nixos-fleet:fleet", fleet, "--fleet"],
  ] as const) {
    const set = values[key];
    if (set !== undefined && set !== read)
      throw new UsageError(
        oneLine(`the stack in ${projectDirectory()} has ${key} ${set}, and ${option} is ${read}; name one fleet`, 400),
      );
  }
}

function parseConfig(text: string): z.infer<typeof configShape> {
  return configShape.parse(json(text, "pulumi config"));
}

function json(text: string, what: string): unknown {
  const value = parseJson(text);
  if (value === undefined) throw new FleetError("NF207", `${what} printed no JSON`);
  return value;
}
