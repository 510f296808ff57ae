/** Everything that a fleet has to know before it declares a resource: its settings, what exists, and what this run approves. */
import { isAbsolute } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { approvalKey, startupKey } from "../../rules/contract";
import { offerMistakes } from "../../rules/google-catalog";
import { ConfigError } from "../config-error";
import { KNOWN, type FleetConfig } from "../config/fleet-config";
import { ownKeys } from "../config/parse";
import type { Written } from "../fleet-args";
import { startupScript } from "../startup";
import { newestImages } from "../components/image";
import { reachAll, type Reachable } from "../components/rollout/trigger";
import type { Resolved } from "./approval";
import { readExisting, readMetadataNow } from "./existing";
import { requireFreeNames } from "./foreign";
import { metadataFindings } from "./metadata-size";
import { accessWarnings, bindingWarnings, repositoryWarnings, stackWarnings, triggerWarnings } from "./warnings";
import { keptDisks } from "./attached-disks";
import { assertNoReplacement, existingHomeDisks, replacedVms } from "./replacement";
import { quotaWarnings } from "./quotas";
import { requireImages } from "./images";
import { decideRollout } from "./rollout-plan";
import { readSettings } from "./settings";
import { arrivals, ours, type Given } from "./stack-moves";

export interface Prepared {
  config: FleetConfig;
  resolved: Resolved;
  rollout: Awaited<ReturnType<typeof decideRollout>>;
  /** See `newestImages`. */
  newestImages: Record<string, string>;
  /** See `replacedVms`. */
  replacedVms: string[];
  /** VM → its zone, for the VMs that run before this update. */
  runningIn: Record<string, string>;
  /** See `keptDisks`. */
  keptDisks: string[];
  /** See `arrivals`. */
  arrivals: Record<string, string>;
  /** See `existingHomeDisks`. */
  existingHomeDisks: Record<string, string>;
  /** The VMs that SSH triggers reach now; none if the fleet does not use SSH triggers. */
  reachable: Record<string, Reachable>;
  /** Reads the project's metadata again. */
  readMetadata: () => Promise<Record<string, string>>;
}

/**
 * @param given what the program's own arguments set instead of the settings
 * @param opts options that select the provider whose identity reads Google
 * @throws ConfigError of every mistake, one line each, before anything is changed
 */
export async function prepare(
  written: Written,
  stack: string,
  given: Given,
  opts: pulumi.InvokeOptions,
): Promise<Prepared> {
  for (const line of ownKeys(written.raw, pulumi.getProject(), KNOWN)) void pulumi.log.warn(line);
  const directory = process.cwd();
  const root = pulumi.runtime.getRootDirectory();
  // A program of the Automation API has a placeholder.
  const projectRoot = isAbsolute(root) ? root : directory;
  const { config, source, resolved } = await readSettings(written, stack, directory, projectRoot, opts);
  const existing = await readExisting(config, written.raw, opts);
  const { metadata, inventory, offers, quotas } = existing;
  const mistakes = offers === undefined ? [] : offerMistakes(config, offers);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  assertNoReplacement(config, inventory, given);
  const replaced = replacedVms(config, inventory);
  await requireFreeNames(config, inventory, existing.listForeign);
  await requireImages(config, inventory, replaced, existing.hasImage);
  const reachable = await reachAll(config, inventory.vms, opts);
  for (const line of [
    ...stackWarnings(config),
    ...accessWarnings(config),
    ...bindingWarnings(config),
    ...repositoryWarnings(config),
    ...quotaWarnings(config, inventory, quotas),
    ...triggerWarnings(reachable, inventory.vms),
  ])
    void pulumi.log.warn(line);
  const rollout = await decideRollout(config, source, resolved, metadata, inventory);
  checkSize(config, rollout, metadata);
  return {
    config,
    resolved,
    rollout,
    newestImages: await newestImages(config, opts),
    replacedVms: replaced,
    runningIn: Object.fromEntries(
      inventory.vms.filter((vm) => vm.running && ours(config, vm)).map(({ name, zone }) => [name, zone]),
    ),
    keptDisks: keptDisks(config, inventory, replaced),
    arrivals: arrivals(config, inventory.vms),
    existingHomeDisks: existingHomeDisks(config, inventory),
    reachable,
    readMetadata: () => readMetadataNow(config.project, written.raw, opts),
  };
}

/** @throws ConfigError if the project's metadata do not take the items that this run writes */
function checkSize(
  { fleet, stack }: FleetConfig,
  { plan }: Pick<Prepared["rollout"], "plan">,
  metadata: Readonly<Record<string, string>>,
): void {
  const approvals = plan.map(({ wave, value }) => [approvalKey(fleet, stack, wave.name), value] as const);
  const written = { [startupKey(fleet, stack)]: startupScript(), ...Object.fromEntries(approvals) };
  const { mistakes, warnings } = metadataFindings(metadata, written);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  for (const line of warnings) void pulumi.log.warn(line);
}
