/** Images made from an archive in Cloud Storage. Replacements and changes in place are as in the official provider. */
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
    // Compute does not show an image's source after it is made.
    rawDisk: { keep: true, of: { source: {}, containerType: {}, sha1: {} } },
  },
  outputs: { selfLink: {}, creationTimestamp: {}, archiveSizeBytes: { from: Number }, diskSizeGb: { from: Number } },
};
