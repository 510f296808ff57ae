/** The binary cache, from which VMs take what `fleet build` has built for them. */
import { z } from "zod";
import { holdsSecret } from "./repository/git";
import { bucketUrl } from "../../rules/contract";
import type { Cache } from "../../rules/instance-metadata";

const cache = z
  .strictObject({
    bucket: z
      .string()
      .regex(
        /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/,
        "must be a bucket's name: 3 to 63 lower-case letters, digits, -, _ or .",
      )
      .optional(),
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
    ({ bucket, substituter }) => (bucket === undefined) !== (substituter === undefined),
    "must have either bucket (its name) or substituter (its URL)",
  );

export type CacheConfig = z.infer<typeof cache>;

/** The cache in the form of the VMs' metadata. */
export function cacheOf({ bucket, substituter = "", publicKey }: CacheConfig): Cache {
  return { url: bucket === undefined ? substituter.replace(/\/+$/, "") : bucketUrl(bucket), publicKey };
}

export const cacheKeys = { cache: cache.optional() };
