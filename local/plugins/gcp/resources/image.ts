/** Images made of an archive in Cloud Storage. What replaces and what changes in place is as in the official provider. */
import type { RestKind } from "../rest";

export const image: RestKind = {
  token: "gcp:compute/image:Image",
  args: ["compute/image.d.ts", "ImageArgs"],
  collection: "global/images",
  labels: true,
  fields: {
    description: {},
    family: {},
    guestOsFeatures: { of: { type: {} } },
    // Where an image came from Compute does not tell afterwards.
    rawDisk: { keep: true, of: { source: {}, containerType: {}, sha1: {} } },
  },
  outputs: { selfLink: {}, creationTimestamp: {}, archiveSizeBytes: { from: Number }, diskSizeGb: { from: Number } },
};
