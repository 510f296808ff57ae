/**
 * The stack's configuration: read once, checked as a whole. Pure: the caller hands in the raw values and gets either the
 * fleet's settings or every mistake, one line each.
 */
import { z } from "zod";
import type { Home } from "../contracts";
import { assignWaves, type Wave } from "./waves";

const NAMESPACE = "nixos-fleet:";

/** Compute's rule for a resource's name (RFC 1035). */
const COMPUTE_NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_VALUE = /^[-_a-z0-9]{0,63}$/;

const computeName = z
  .string()
  .regex(COMPUTE_NAME, "must be a Compute name: a lower-case letter first, then letters, digits or -, 63 at most");

/** Fleet, stack and wave make up a metadata key, in which `--` separates them. */
const keyPart = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9]|-(?!-)){0,28}[a-z0-9]?$/, "must be 1 to 30 lower-case letters, digits or single -")
  .refine((name) => !name.endsWith("-"), "must not end with -");

const seconds = z
  .string()
  .regex(/^[1-9][0-9]*[smh]$/, 'must be a duration such as "90s", "20m" or "1h"')
  .transform((written) => parseInt(written, 10) * { s: 1, m: 60, h: 3600 }[written.at(-1) as "s" | "m" | "h"]);

const repository = z
  .string()
  .regex(
    /^(https?|ssh|git):\/\/\S+$|^[\w.-]+@[\w.-]+:\S+$/,
    "must be an http(s), ssh or git URL: the VMs clone it from there",
  );

const zone = z.string().regex(/^[a-z]+-[a-z]+[0-9]+-[a-z]$/, "must be a zone such as europe-west1-b");
const machineType = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)+$/, "must be a Compute machine type such as e2-standard-4");
const diskSizeGb = z.int().min(10).max(65536);
const image = z.string().min(1);
const userName = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, "must be a Linux user name");

const home = z.strictObject({
  user: userName,
  attribute: z.string().min(1).optional(),
  repository: repository.optional(),
  branch: z.string().min(1).optional(),
});

const vm = z.strictObject({
  name: computeName,
  owner: z.string().min(1).optional(),
  host: z.string().min(1).optional(),
  zone: zone.optional(),
  machineType: machineType.optional(),
  diskSizeGb: diskSizeGb.optional(),
  image: image.optional(),
  homes: z.array(home).default([]),
  labels: z
    .record(
      z
        .string()
        .regex(/^[a-z][-_a-z0-9]{0,62}$/, "must be a label key: a lower-case letter, then letters, digits, - or _"),
      z.string().regex(LABEL_VALUE, "must be a label value: up to 63 lower-case letters, digits, - or _"),
    )
    .default({}),
});

const wave = z.strictObject({
  name: keyPart,
  vms: z.array(z.string()).optional(),
  rest: z.literal(true).optional(),
  maxFailures: z.int().min(0).default(0),
  timeout: seconds.default(20 * 60),
});

const member = z.string().regex(/^(user|group):[^@\s:]+@[^@\s:]+\.[^@\s:]+$/, "must be user:ADDRESS or group:ADDRESS");

const settings = z.strictObject({
  fleet: keyPart.default("devs"),
  repository,
  branch: z.string().min(1).default("main"),
  resolveFrom: z.string().min(1).optional(),
  directory: z
    .string()
    .regex(/^\/\S+$/, "must be an absolute path")
    .default("/etc/nixos"),
  follow: z.enum(["branch", "approved"]).default("branch"),
  vms: z.array(vm).min(1, "must name at least one VM"),
  waves: z
    .array(wave)
    .min(1, "must name at least one wave")
    .default([{ name: "all", rest: true, maxFailures: 0, timeout: 1200 }]),
  defaults: z
    .strictObject({
      machineType: machineType.default("e2-standard-4"),
      image: image.default("nixos-fleet"),
      diskSizeGb: diskSizeGb.default(100),
    })
    .prefault({}),
  network: z
    .strictObject({
      cidr: z.cidrv4("must be an IPv4 range such as 10.128.0.0/20").default("10.128.0.0/20"),
    })
    .prefault({}),
  teams: z.strictObject({ infra: z.array(member).default([]), developers: z.array(member).default([]) }).prefault({}),
  access: z.enum(["teams", "owners"]).default("teams"),
  deletionProtection: z.boolean().default(true),
  bootTimeout: seconds.default(15 * 60),
  trigger: z.enum(["watch", "ssh"]).default("watch"),
  ssh: z
    .strictObject({
      user: userName.default("fleet-trigger"),
      port: z.int().min(1).max(65535).default(22),
      addresses: z.record(z.string(), z.string().regex(/^[^:\s]+:[0-9]+$/, "must be HOST:PORT")).default({}),
      bastion: z
        .strictObject({ host: z.string().min(1), port: z.int().min(1).max(65535).default(22), user: userName })
        .optional(),
    })
    .prefault({}),
  sshPrivateKey: z.string().optional(),
});

const sourceKeys = settings.pick({ repository: true, branch: true, resolveFrom: true }).strip();

const google = z.object({
  project: z
    .string({ error: "must be set: the Google Cloud project that gets the fleet" })
    .regex(/^([a-z0-9.]+:)?[a-z][-a-z0-9]{4,28}[a-z0-9]$/, "must be a Google Cloud project id"),
  region: z
    .string({ error: "must be set: the region of the fleet's network, such as europe-west1" })
    .regex(/^[a-z]+-[a-z]+[0-9]+$/, "must be a region such as europe-west1"),
  zone: zone.optional(),
});

/** One VM with every default filled in. */
export interface VmConfig {
  name: string;
  owner?: string;
  host: string;
  wave: string;
  zone: string;
  machineType: string;
  diskSizeGb: number;
  image: string;
  homes: Home[];
  labels: Record<string, string>;
}

type Settings = z.infer<typeof settings>;

/** The stack's settings, complete. Durations are in seconds, disk sizes in GB. */
export interface FleetConfig extends Omit<Settings, "vms" | "waves" | "defaults" | "sshPrivateKey"> {
  stack: string;
  project: string;
  region: string;
  vms: VmConfig[];
  waves: Wave[];
}

/** The raw configuration as Pulumi hands it over: full keys, values as text, structures as JSON. */
export type RawConfig = Readonly<Record<string, string>>;

/** Where the program itself reads the config repository, and the key that says so. */
export interface Source {
  key: "repository" | "resolveFrom";
  repository: string;
  branch: string;
}

/** `config` is there when there are no mistakes; `source` whenever the repository's own keys are right. */
export interface Checked {
  config?: FleetConfig;
  source?: Source;
  mistakes: string[];
}

/** Every mistake of the configuration, one line each, or the settings. Never throws. */
export function checkConfig(raw: RawConfig, stack: string): Checked {
  const mistakes: string[] = [];
  const parsed = settings.safeParse(structured(raw, NAMESPACE), { reportInput: true });
  const cloud = google.safeParse(structured(raw, "gcp:"), { reportInput: true });
  const stackName = keyPart.safeParse(stack, { reportInput: true });
  if (!parsed.success) mistakes.push(...lines(NAMESPACE, parsed.error));
  if (!cloud.success) mistakes.push(...lines("gcp:", cloud.error));
  if (!stackName.success) mistakes.push(...lines("stack", stackName.error));
  const known = sourceKeys.safeParse(structured(raw, NAMESPACE));
  const found = known.success ? { source: toSource(known.data) } : {};
  if (!parsed.success || !cloud.success || !stackName.success) return { ...found, mistakes };

  const { vms, waves, defaults, sshPrivateKey, ...rest } = parsed.data;
  const { region, project, zone: defaultZone = `${region}-b` } = cloud.data;
  if (rest.trigger === "ssh" && sshPrivateKey === undefined)
    mistakes.push(
      `${NAMESPACE}sshPrivateKey: must be set where trigger is ssh (pulumi config set --secret ${NAMESPACE}sshPrivateKey)`,
    );
  const assigned = assignWaves(
    waves,
    vms.map(({ name }) => name),
  );
  mistakes.push(...assigned.mistakes.map((mistake) => NAMESPACE + mistake));
  const complete = vms.map((written, index) => {
    const vmZone = written.zone ?? defaultZone;
    const path = `${NAMESPACE}vms[${index}]`;
    if (!vmZone.startsWith(`${region}-`))
      mistakes.push(
        `${path}.zone: ${quote(vmZone)} is not in gcp:region ${quote(region)}, where the fleet's subnet is`,
      );
    if (vms.findIndex(({ name }) => name === written.name) !== index)
      mistakes.push(`${path}.name: ${quote(written.name)} is there twice; names of VMs are unique`);
    return {
      ...written,
      host: written.host ?? written.name,
      wave: assigned.waveOf[written.name] ?? "",
      zone: vmZone,
      machineType: written.machineType ?? defaults.machineType,
      diskSizeGb: written.diskSizeGb ?? defaults.diskSizeGb,
      image: written.image ?? defaults.image,
      homes: written.homes.map((entry) => ({ ...entry, attribute: entry.attribute ?? entry.user })),
    } as VmConfig;
  });
  mistakes.push(...ownerMistakes(parsed.data));
  for (const name of Object.keys(rest.ssh.addresses))
    if (!vms.some((known) => known.name === name))
      mistakes.push(`${NAMESPACE}ssh.addresses: ${quote(name)} is no VM of this fleet`);
  if (mistakes.length > 0) return { ...found, mistakes };
  return { ...found, config: { ...rest, stack, project, region, vms: complete, waves: assigned.waves }, mistakes };
}

/** Where each VM's owner alone may log in to it, there must be owners, and IAM must know them. */
function ownerMistakes({ access, vms }: Settings): string[] {
  if (access !== "owners") return [];
  return vms.flatMap(({ owner }, index) => {
    const at = `${NAMESPACE}vms[${index}].owner:`;
    if (owner === undefined) return [`${at} must be set where access is owners`];
    return member.safeParse(`user:${owner}`).success
      ? []
      : [`${at} ${quote(owner)} must be a person's address where access is owners`];
  });
}

function toSource({ repository, branch, resolveFrom }: z.infer<typeof sourceKeys>): Source {
  return resolveFrom === undefined
    ? { key: "repository", repository, branch }
    : { key: "resolveFrom", repository: resolveFrom, branch };
}

/** The values of one namespace; text that is JSON of another type than a string becomes that. */
function structured(raw: RawConfig, namespace: string): Record<string, unknown> {
  const own = Object.entries(raw).filter(([key]) => key.startsWith(namespace));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(namespace.length), parseValue(value)]));
}

function parseValue(value: string): unknown {
  if (!/^(\{|\[|true$|false$)/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function quote(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** zod's issues as lines `key: value complaint`. */
function lines(namespace: string, error: z.ZodError): string[] {
  return error.issues.flatMap((issue) => {
    const at = namespace + keyPath(issue.path);
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => `${issue.path.length > 0 ? `${at}.` : at}${key}: unknown key`);
    const secret = issue.path[0] === "sshPrivateKey";
    const shown = issue.input === undefined ? "" : `${secret ? "the value" : quote(issue.input)} `;
    const missing = issue.input === undefined && issue.code === "invalid_type" && issue.message.startsWith("Invalid");
    return [`${at}: ${shown}${missing ? "must be set" : decapitalize(issue.message)}`];
  });
}

function keyPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index > 0 ? "." : ""}${String(part)}`))
    .join("");
}

function decapitalize(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
