/** Which systems are already built: the manifest of a revision, if `fleet build` has written one. */
import * as storage from "@pulumi/gcp/storage";
import type { InvokeOptions } from "@pulumi/pulumi";
import { manifestPath } from "../../rules/contract";
import { bucketOf, cacheOf, type CacheConfig } from "../config/cache";
import { digest } from "../config/digest";
import { isMissing } from "./bucket";
import type { Approval } from "../../rules/rollout/approval";
import { parseObject } from "../../rules/text/json";

export type Manifest = NonNullable<Approval["manifest"]>;

/** A manifest that does not arrive within this time, in milliseconds, counts as unavailable. */
const PATIENCE = 20_000;

/** A manifest in the form of an approval. Pure. */
export function manifestOf(cache: CacheConfig, revision: string, content: string): Manifest {
  return { url: `${cacheOf(cache).url}/${manifestPath(revision)}`, sha256: digest(Buffer.from(content)) };
}

/** A manifest, and the hosts whose systems it names. */
interface FoundManifest {
  manifest: Manifest;
  hosts: string[];
}

/** The hosts that a manifest names; none if it cannot be read, as VMs then build for themselves. Pure. */
export function hostsOf(content: string): string[] {
  return Object.keys(parseObject(content) ?? {});
}

/**
 * The manifest of a revision; `undefined` if the revision was not built. Without a manifest VMs build for themselves.
 * @throws Error with one line if the cache does not answer
 */
export async function findManifest(
  cache: CacheConfig,
  revision: string,
  opts: InvokeOptions,
): Promise<FoundManifest | undefined> {
  const bucket = bucketOf(cache);
  const content =
    bucket === undefined
      ? await download(`${cacheOf(cache).url}/${manifestPath(revision)}`)
      : await read(bucket, manifestPath(revision), opts);
  if (content === undefined) return undefined;
  return { manifest: manifestOf(cache, revision, content), hosts: hostsOf(content) };
}

/** Reads with the provider's own credentials, as the bucket is private. */
async function read(bucket: string, name: string, opts: InvokeOptions): Promise<string | undefined> {
  try {
    return (await storage.getBucketObjectContent({ bucket, name }, opts)).content;
  } catch (error) {
    // The object does not exist, or at the first `up` the bucket does not exist.
    const said = String(error);
    if (isMissing(said)) return undefined;
    throw new Error(`cannot read gs://${bucket}/${name}: ${said.split("\n", 1)[0] ?? ""}`, { cause: error });
  }
}

async function download(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
    if (response.ok) return await response.text();
    // Some caches answer "forbidden" for what they do not have.
    if ([403, 404].includes(response.status)) return undefined;
    throw new Error(`HTTP ${response.status}`);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`cannot read ${url}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause: error });
  }
}
