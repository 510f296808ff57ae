/** The stack's settings, and the current state of what they name: the heads of the repositories, and what was built from them. */
import * as pulumi from "@pulumi/pulumi";
import { short } from "../../rules/contract";
import { resolveHomes, type Resolved } from "./approval";
import { bucketProblem } from "./bucket";
import type { FleetConfig } from "../config/fleet-config";
import type { Written } from "../fleet-args";
import { findManifest, type Manifest } from "./manifest";
import { hostWarnings } from "./warnings";
import { ConfigError } from "../config-error";
import { listWarning } from "./pushed-list";
import { type FlakeSource, localLockDiffers, resolveRevision } from "./revision";
import { checkStack, listInClone } from "../config/vms/vms-file";

interface StackSettings {
  config: FleetConfig;
  /** Where the program reads the config repository. */
  source: FlakeSource;
  resolved: Resolved;
}

/**
 * Reads and checks all of it, and prints what a person should know before anything is changed.
 * @param directory the base of relative paths
 * @param root the project's folder, with Pulumi.yaml
 * @param opts options that select the provider whose identity reads the bucket
 * @throws ConfigError of every mistake, one line each
 */
export async function readSettings(
  { raw, encrypted }: Written,
  stack: string,
  directory: string,
  root: string,
  opts: pulumi.InvokeOptions,
): Promise<StackSettings> {
  const { config, source, mistakes } = checkStack(raw, stack, directory, encrypted, root);
  const local = listInClone(raw, directory);
  const head =
    source &&
    (await resolveRevision(source.repository, source.branch, source.subdirectory, { besides: local?.path }).catch(
      (error: unknown) => error as Error,
    ));
  if (head instanceof Error) mistakes.push(`nixos-fleet:${source?.key ?? "repository"}: ${head.message}`);
  const { homes, warnings } = await resolveHomes(config?.vms ?? []);
  const bucket = config && (await bucketProblem(config, opts));
  if (bucket !== undefined) mistakes.push(`nixos-fleet:${bucket}`);
  if (mistakes.length > 0 || !config || !source || !head || head instanceof Error) throw new ConfigError(mistakes);

  for (const line of warnings) void pulumi.log.warn(`nixos-fleet:${line}`);
  if (localLockDiffers(source, head))
    void pulumi.log.warn(
      `flake.lock in ${source.repository} differs from the pushed one; only what is pushed is rolled out`,
    );
  const list = local && listWarning(local, head);
  if (list !== undefined) void pulumi.log.warn(list);
  const manifest = await prebuilt(config, head.revision, opts);
  return { config, source, resolved: { system: { ...head, ...(manifest ? { manifest } : {}) }, homes } };
}

/** The manifest of this revision if the fleet has a cache and the revision is built; `undefined` if its VMs build for themselves. */
async function prebuilt(
  { cache, vms }: FleetConfig,
  revision: string,
  opts: pulumi.InvokeOptions,
): Promise<Manifest | undefined> {
  if (cache === undefined) return undefined;
  const found = await findManifest(cache, revision, opts).catch((error: unknown) => {
    throw new ConfigError([`nixos-fleet:cache: ${(error as Error).message}`]);
  });
  if (found === undefined)
    void pulumi.log.info(
      `no one has built ${short(revision)} into the cache, so each VM builds for itself; to avoid that, run fleet build first`,
    );
  for (const line of found === undefined ? [] : hostWarnings(vms, found.hosts, revision)) void pulumi.log.warn(line);
  return found?.manifest;
}
