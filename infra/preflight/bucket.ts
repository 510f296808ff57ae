/** The bucket that the settings say exists. */
import type { InvokeOptions } from "@pulumi/pulumi";
import * as storage from "@pulumi/gcp/storage";
import { contract } from "../../rules/contract";
import type { FleetConfig } from "../config/fleet-config";

/**
 * Why the cache's bucket cannot be taken as an existing one, in one line; `undefined` if it can, or the settings name none. If the stack's own
 * bucket became an existing one, the update would delete it.
 */
export async function bucketProblem(
  { fleet, stack, cache }: FleetConfig,
  opts: InvokeOptions,
): Promise<string | undefined> {
  const name = cache?.existingBucket;
  if (name === undefined) return undefined;
  const setting = `cache.existingBucket: "${name}"`;
  try {
    const { labels } = await storage.getBucket({ name }, opts);
    const own = labels[contract.labels.fleet] === fleet && labels[contract.labels.stack] === stack;
    return own ? `${setting} is the bucket that this stack created; name it as cache.bucket` : undefined;
  } catch (error) {
    const said = String(error).split("\n", 1)[0] ?? "";
    return isMissing(said)
      ? `${setting} does not exist; name an existing bucket, or set cache.bucket to create it`
      : `${setting} cannot be read: ${said}`;
  }
}

/** Whether the provider says that a bucket or an object does not exist. Pure. */
export const isMissing = (said: string): boolean => /\b404\b|No such object|not ?found|does not exist/i.test(said);
