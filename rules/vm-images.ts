/** Whether the images exist that new VMs are created from. Makes no requests by itself. */
import { groupEntries } from "./group-entries";
import { firstOf } from "./text/text";

/** How an image is named: by its own name, or by that of its family. */
export type ImageKind = "image" | "family";

/** Whether a project has an image or a family of this name. */
export type HasImage = (kind: ImageKind, project: string, name: string) => Promise<boolean>;

/** The VMs that will be created, and the images that the stack itself makes: their names and families. */
interface NewVms {
  project: string;
  vms: readonly { name: string; image: string }[];
  made: readonly string[];
}

/** What a setting names. A name alone may be either. Undefined for a form that only Compute knows. */
function placeOf(written: string, own: string): { kinds: ImageKind[]; project: string; name: string } | undefined {
  const [, project = own, path, name] =
    /^(?:https:\/\/[^\s?#]+?\/)?(?:projects\/([^/]+)\/)?(global\/images\/family\/|global\/images\/|family\/)?([-a-z0-9]+)$/.exec(
      written,
    ) ?? [];
  if (name === undefined) return undefined;
  if (path === undefined) return { kinds: ["image", "family"], project, name };
  return { kinds: [path.endsWith("family/") ? "family" : "image"], project, name };
}

/** A line for each image that does not exist, however many VMs name it. */
export async function imageMistakes({ project: own, vms, made }: NewVms, hasImage: HasImage): Promise<string[]> {
  const named = [...groupEntries(vms.map(({ name, image }) => [image, name] as const))];
  const lines = await Promise.all(
    named.map(async ([image, names]) => {
      const place = placeOf(image, own);
      if (place === undefined || (place.project === own && made.includes(place.name))) return [];
      const { kinds, project, name } = place;
      const found = await Promise.all(kinds.map((kind) => hasImage(kind, project, name)));
      return found.includes(true)
        ? []
        : [`nixos-fleet:vms: ${firstOf(names)}: project ${project} has no ${kinds.join(" or ")} "${name}"`];
    }),
  );
  return lines.flat();
}

/** What to do about such a line. */
export const imageCure = "set defaults.image, or run fleet image publish (docs/images-and-cache.md)";
