/** The binary cache, from which VMs take what `fleet build` has built for them. */
import * as z from "zod";
import { holdsSecret } from "../../rules/text/credentials";
import { bucketUrl } from "../../rules/contract";
import { shapes } from "../../rules/shapes";
import type { Cache } from "../../rules/instance-metadata";

const bucketName = z
  .string()
  .regex(shapes.bucket, "must be a bucket's name: 3 to 63 lower-case letters, digits, -, _ or .");

const cache = z
  .strictObject({
    bucket: bucketName.optional(),
    existingBucket: bucketName.optional(),
    substituter: z
      .string()
      .regex(/^https?:\/\/[^\s?#]+$/, "must be an http(s) URL")
      .refine((url) => !holdsSecret(url), "must not hold a user name or a token: metadata shows it to every VM")
      .optional(),
    publicKey: z
      .string()
      .regex(/^[^\s:]+:[A-Za-z0-9+/]{43}=$/, "must be a public key as nix key convert-secret-to-public prints it"),
  })
  .refine(
    ({ bucket, existingBucket, substituter }) =>
      [bucket, existingBucket, substituter].filter((place) => place !== undefined).length === 1,
    "must have exactly one of bucket (to create), existingBucket (one that exists) and substituter (a URL)",
  );

export type CacheConfig = z.infer<typeof cache>;

/** The name of the cache's bucket, this stack's or an existing one; `undefined` if the cache is no bucket. */
export function bucketOf(cache: CacheConfig | undefined): string | undefined {
  return cache?.bucket ?? cache?.existingBucket;
}

/** The cache in the form of the VMs' metadata. */
export function cacheOf(cache: CacheConfig): Cache {
  const bucket = bucketOf(cache);
  const url = bucket === undefined ? cache.substituter?.replace(/\/+$/, "") : bucketUrl(bucket);
  return { url: url ?? "", publicKey: cache.publicKey };
}

export const cacheKeys = { cache: cache.optional() };
