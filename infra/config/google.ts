/** Google's own keys, which its provider reads as well: where the fleet is. */
import { z } from "zod";

export const zone = z.string().regex(/^[a-z]+-[a-z]+[0-9]+-[a-z]$/, "must be a zone such as europe-west1-b");

export const googleKeys = {
  project: z
    .string({ error: "must be set: the Google Cloud project that gets the fleet" })
    .regex(/^([a-z0-9.]+:)?[a-z][-a-z0-9]{4,28}[a-z0-9]$/, "must be a Google Cloud project id"),
  region: z
    .string({ error: "must be set: the region of the fleet's network, such as europe-west1" })
    .regex(/^[a-z]+-[a-z]+[0-9]+$/, "must be a region such as europe-west1"),
  zone: zone.optional(),
};

export const networkKeys = {
  network: z
    .strictObject({
      cidr: z.cidrv4("must be an IPv4 range such as 10.128.0.0/20").default("10.128.0.0/20"),
    })
    .prefault({}),
};

/** Where VMs go that name no zone of their own. */
export function defaultZone({ region, zone: written }: { region: string; zone?: string | undefined }): string {
  return written ?? `${region}-b`;
}
