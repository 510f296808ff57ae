/** Images: the predefined ones, and those that someone made from an archive in Cloud Storage. */
import * as catalog from "./catalog";
import type { Collection } from "./collection";
import { invalid, required } from "../errors";
import { fingerprintOf, textOf } from "../json";
import { isObject } from "../../../rules/text/json";
import { checkLabels } from "./limits";
import type { Store } from "../store";
import type { Resource } from "../types";

/** The two forms in which Compute takes an archive's address. */
const SOURCE = /^(?:https:\/\/storage\.googleapis\.com|gs:\/)\/(?<object>[^/]+\/.+)$/;

export const images: Collection = {
  name: "images",
  scope: "global",
  word: "image",
  build: (store, _scope, body) => {
    const raw = isObject(body["rawDisk"]) ? body["rawDisk"] : {};
    if (raw["source"] === undefined) throw required("resource.rawDisk.source");
    const source = textOf(raw["source"]);
    const archive = store.state.objects?.[SOURCE.exec(source)?.groups?.["object"] ?? ""];
    if (!archive) throw invalid("resource.rawDisk.source", source, "The referenced object cannot be found.");
    const labels = checkLabels(body["labels"]);
    // Compute does not show an image's source after it is made.
    const fields = Object.entries(body).filter(([key]) => key !== "rawDisk");
    return {
      ...Object.fromEntries(fields),
      status: "READY",
      sourceType: "RAW",
      // The content of the archive is not checked here.
      diskSizeGb: "10",
      archiveSizeBytes: archive.size,
      architecture: "X86_64",
      labels,
      labelFingerprint: fingerprintOf(labels),
    };
  },
};

/** All images of a project, the newest last. */
export function imagesOf(store: Store, owner: string): Resource[] {
  const made = owner === store.project ? store.list("images").map(({ resource }) => resource) : [];
  return [...catalog.imagesOf(owner, store.project), ...made];
}

/** The image that `global/images/NAME` or `global/images/family/FAMILY` of a project names: for a family, the newest. */
export function findImage(store: Store, owner: string, path: string): Resource | undefined {
  const family = /^global\/images\/family\/(.+)$/.exec(path)?.[1];
  const name = /^global\/images\/([^/]+)$/.exec(path)?.[1];
  return imagesOf(store, owner).findLast((image) =>
    family === undefined ? image.name === name : image["family"] === family,
  );
}
