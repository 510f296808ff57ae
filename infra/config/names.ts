/**
 * Every name that the program derives from the settings. The components name their resources by these functions, and the check of the
 * settings measures the same names. So Google never refuses a name in the middle of an update. Pure.
 */
import * as z from "zod";
import { shortDigest } from "./digest";
import { quote } from "./parse";
import { shapes } from "../../rules/shapes";
import { check } from "./schema";

/** What Pulumi appends to a name that it makes: `-` and 7 hex digits. */
const SUFFIX = "-0000000";
/** IAM's limit for a service account's id. */
const ACCOUNT_LENGTH = 30;

/** The names of Compute's resources without the suffix that Pulumi appends. */
export const resourceNames = (fleet: string) => ({
  network: `${fleet}-vpc`,
  subnetwork: `${fleet}-subnet`,
  router: `${fleet}-router`,
  nat: `${fleet}-nat`,
  firewall: `${fleet}-ssh-from-iap`,
  snapshots: `${fleet}-snapshots`,
});

/** The same for one schedule's policy. */
export const schedulePolicyName = (fleet: string, schedule: string): string => `${fleet}-schedule-${schedule}`;

/** The network tag that the fleet's VMs carry. */
export const fleetTag = (fleet: string): string => `nixos-fleet-${fleet}`;

/** The name of a VM's home disk. */
export const homeDiskName = (vm: string): string => `${vm}-home`;

/** The longest name of a VM that has a home disk, in characters. */
export const LONGEST_WITH_HOME_DISK = 63 - homeDiskName("").length;

/**
 * The id of the VMs' service account, a different one for each fleet and stack of a project. It contains a digest if it would be too long,
 * or if another fleet and stack would give the same id.
 */
export function accountId(fleet: string, stack: string): string {
  const whole = `fleet-${fleet}-${stack}`;
  if (whole.length <= ACCOUNT_LENGTH && !fleet.includes("-")) return whole;
  return `${whole.slice(0, ACCOUNT_LENGTH - 9).replace(/-+$/, "")}-${shortDigest(`${fleet}/${stack}`)}`;
}

/** The name of one of a fleet's metrics; fleets and stacks of one project do not share any. Logging takes 100 characters. */
export function metricName({ fleet, stack }: { fleet: string; stack: string }, what: string): string {
  return `nixos-fleet/${fleet}/${stack}/${what}`;
}

/** The id of a secret that the program makes; Secret Manager takes 255 characters. */
export function secretId(fleet: string, stack: string, key: string): string {
  return `nixos-fleet--${fleet}--${stack}--${key}`;
}

/** The part of a secret's id that names a home's repository: readable, and different for each repository. */
export const homeKeyName = (repository: string): string => keyName("home", repository);

/** The same for a key of a flake's input. */
export const inputKeyName = (place: string): string => keyName("input", place);

function keyName(of: string, repository: string): string {
  const [, last = ""] = /([^/:]*?)(?:\.git)?\/*$/.exec(repository) ?? [];
  return `${of}-${last
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 100)}-${shortDigest(repository)}`;
}

/**
 * Texts as parts of resources' names, `alice@example.com` → `alice-example-com`. A digest is added if two of them would be the same. The
 * order stays.
 */
export function nameParts(texts: readonly string[]): string[] {
  const plain = texts.map((text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-"));
  return plain.map((name, index) =>
    plain.indexOf(name) === index ? name : `${name}-${shortDigest(texts[index] ?? "")}`,
  );
}

/** The derived names that Google would refuse. */
export const checkNames = [
  check(
    z.object({ fleet: z.string().default("devs"), schedules: z.array(z.object({ name: z.string() })).default([]) }),
    ({ fleet, schedules }) => [
      ...Object.values(resourceNames(fleet)).flatMap((name) => refused("fleet", fleet, name)),
      ...schedules.flatMap(({ name }, index) =>
        refused(`schedules[${index}].name`, name, schedulePolicyName(fleet, name)),
      ),
    ],
  ),
];

/** A line if Compute would refuse a name with Pulumi's suffix. */
function refused(key: string, value: string, base: string): string[] {
  const name = base + SUFFIX;
  if (shapes.computeName.test(name)) return [];
  const why =
    name.length > 63
      ? `would have ${name.length} characters; Compute takes 63`
      : "would not be a name that Compute takes";
  return [`${key}: ${quote(value)} is refused: the resource ${name.replace(SUFFIX, "-*")} ${why}`];
}
