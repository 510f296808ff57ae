/**
 * The stack's configuration: read once, checked as a whole. Pure: the caller passes in the raw values and gets either the fleet's settings
 * or every mistake, one line each. Each file of `config/` owns some keys: their shapes, and the checks between them.
 */
import * as z from "zod";
import { accessKeys, checkOwners } from "./access";
import { cacheKeys } from "./cache";
import { issueMessage } from "./issue-messages";
import { checkDisks, snapshotKeys } from "./vms/disks";
import { checkDeployKeys, deployKeySchema, deployKeysOf, type DeployKey } from "./repository/deploy-keys";
import { checkExisting, defaultZone, googleKeys, networkKeys } from "./google";
import { imageKeys } from "./images";
import { lines, mergeElements, onePerShape, strayKeys, structured, type Known, type RawConfig } from "./parse";
import { monitoringKeys } from "./monitoring";
import { checkNames } from "./names";
import { keyPart, type Check } from "./schema";
import { shareOf, stackKeys } from "./vms/stacks";
import { assignSchedules, checkSchedules, scheduleKeys } from "./vms/schedules";
import { secretsInClear, withoutSecrets } from "./secrets";
import { findSource, followKeys, sourceKeys, type Source } from "./repository/source";
import { checkSsh, sshKeys } from "./repository/ssh";
import { checkAnyVm, checkDiskTypes, checkVms, completeVm, labelled, vmKeys, type VmConfig } from "./vms/vms";
import { checkWaves, completeWaves, waveKeys } from "./waves";
import { assignWaves, type Wave } from "../../rules/rollout/waves";
import { own } from "../../rules/text/json";

export type { RawConfig, VmConfig };

/** The namespace of the fleet's keys in a stack's configuration, whatever the project is called. */
export const NAMESPACE = "nixos-fleet";
const FLEET = `${NAMESPACE}:`;
/** Shapes with their own messages come before these. */
const PARSING = { reportInput: true, error: issueMessage };
const GOOGLE = "gcp:";

export const settings = z.strictObject({
  fleet: keyPart.regex(/^[a-z]/, "must begin with a letter, as names of Compute's resources do").default("devs"),
  ...sourceKeys,
  ...followKeys,
  ...vmKeys,
  ...stackKeys,
  ...snapshotKeys,
  ...scheduleKeys,
  ...waveKeys,
  ...networkKeys,
  ...accessKeys,
  ...sshKeys,
  ...imageKeys,
  ...cacheKeys,
  ...monitoringKeys,
  ...deployKeySchema,
});

/** Every key of this project, without its namespace. */
export const KEYS: readonly string[] = Object.keys(settings.shape);

/** The namespaces that are read, and their keys. */
export const KNOWN: Known = { [NAMESPACE]: [...KEYS, "vmsFile"], gcp: Object.keys(googleKeys) };

const checks: Check[] = [
  ...checkVms,
  ...checkNames,
  ...checkDisks,
  checkDiskTypes,
  checkWaves,
  checkSchedules,
  checkOwners,
  checkExisting,
  ...checkSsh,
  ...checkDeployKeys,
];

type Settings = z.infer<typeof settings>;

/** The stack's settings, complete. Durations are in seconds, disk sizes in GB. */
export interface FleetConfig extends Omit<
  ReturnType<typeof withoutSecrets<Settings>>,
  "vms" | "waves" | "deployKeySecret" | "deployKeySecrets" | "homeDeployKeySecrets" | "defaults" | "deletionProtection"
> {
  stack: string;
  project: string;
  region: string;
  /** The zone of VMs that name none. */
  zone: string;
  vms: VmConfig[];
  deployKeys: DeployKey[];
  waves: Wave[];
  /** VM → its stack, for all VMs of the list, if several stacks share it. */
  stackOf?: Readonly<Record<string, string>>;
}

/** `config` is set if there are no mistakes; `source` is set if the repository's own keys are right. */
export interface Checked {
  config?: FleetConfig;
  source?: Source;
  mistakes: string[];
}

/**
 * Every mistake of the configuration, one line each, or the settings. Never throws.
 * @param encrypted full keys of the values that Pulumi keeps as secrets, if known
 * @param files the text of the files that people write settings in
 */
export function checkConfig(
  raw: RawConfig,
  stack: string,
  encrypted?: readonly string[],
  files: readonly string[] = [],
): Checked {
  const written = structured(raw, FLEET);
  const { values, mistakes: strays, asWritten, stackOf } = shareOf(written, stack);
  const cloudValues = structured(raw, GOOGLE);
  const parsed = settings.safeParse(values, PARSING);
  const cloud = z.object(googleKeys).safeParse(cloudValues, PARSING);
  const stackName = keyPart.safeParse(stack, PARSING);

  const google = Object.entries(cloudValues).map(([key, value]) => [GOOGLE + key, value] as const);
  const all = { ...values, ...Object.fromEntries(google), "pulumi:stack": stack };
  const found = onePerShape(
    [
      ...(parsed.success ? [] : lines(FLEET, parsed.error)),
      ...(cloud.success ? [] : lines(GOOGLE, cloud.error)),
      ...(stackName.success ? [] : lines("stack", stackName.error)),
    ],
    [...strays, ...checkAnyVm(written), ...checks.flatMap((check) => check(all))].map((mistake) =>
      mistake.startsWith(GOOGLE) ? mistake : FLEET + mistake,
    ),
  );
  const mistakes = mergeElements(
    [
      ...found.shapes,
      ...strayKeys(raw, KNOWN),
      ...found.others,
      ...(encrypted ? secretsInClear(FLEET, values, encrypted, files) : []).map((mistake) => FLEET + mistake),
    ].map(asWritten),
  );
  const source = findSource(values);
  const checked = { ...(source ? { source } : {}), mistakes };
  if (!parsed.success || !cloud.success || mistakes.length > 0) return checked;

  const { defaults, ...rest } = withoutSecrets(parsed.data);
  const { project, region } = cloud.data;
  const zone = defaultZone(cloud.data);
  const deployKeys = deployKeysOf(parsed.data, { stack, project });
  const members = labelled(rest.vms, defaults);
  const { waves, waveOf } = assignWaves(rest.waves, members);
  const inWaves = members.map((vm) => completeVm(vm, { ...rest, defaults, zone, wave: own(waveOf, vm.name) ?? "" }));
  const { scheduleOf } = assignSchedules(rest.schedules, inWaves);
  const vms = inWaves.map((vm) => ({ ...vm, schedule: own(scheduleOf, vm.name) }));
  return {
    ...checked,
    config: {
      ...rest,
      stack,
      project,
      region,
      zone,
      vms,
      deployKeys,
      waves: completeWaves(waves),
      ...(stackOf ? { stackOf } : {}),
    },
  };
}
