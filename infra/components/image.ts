import { groupEntries } from "../../rules/group-entries";
import * as pulumi from "@pulumi/pulumi";
import * as compute from "@pulumi/gcp/compute";
import type { FleetConfig } from "../config/fleet-config";
import { guestOsFeatures } from "../../rules/google-catalog";
import { lastPart } from "../../rules/resource-link";
import { firstOf } from "../../rules/text/text";
import { fleetLabels } from "./metadata";

/** The image's name, which is that of its archive, `gs://BUCKET/NAME.raw.tar.gz`. Pure. */
export function imageName(source: string): string {
  return lastPart(source).replace(/(\.raw)?\.tar\.gz$/, "");
}

/** The images that the stack itself makes, by their names and families. Pure. */
export function madeImages({ image }: Pick<FleetConfig, "image">): string[] {
  return image === undefined ? [] : [imageName(image.source), image.family];
}

/** An image in its family, made from an archive in a private bucket. Existing VMs keep their image. */
export class FleetImage extends pulumi.ComponentResource {
  constructor(
    name: string,
    { config, source, family }: { config: FleetConfig; source: string; family: string },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("nixos-fleet:infra:FleetImage", name, {}, opts);
    const image = imageName(source);
    // Each archive is a resource of its own: the new image is created before the old one is deleted.
    new compute.Image(
      `${name}-${image}`,
      {
        name: image,
        family,
        rawDisk: { source: source.replace(/^gs:\//, "https://storage.googleapis.com") },
        guestOsFeatures,
        labels: fleetLabels(config),
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

/** The newest image of each family that VMs name, as links, by the VMs' `image` setting; settings that name no family are left out. */
export async function newestImages(
  { vms, project }: Pick<FleetConfig, "vms" | "project">,
  opts: pulumi.InvokeOptions,
): Promise<Record<string, string>> {
  const named = [...new Set(vms.map(({ image }) => image))];
  const found = await Promise.all(named.map(async (image) => [image, await newestOf(image, project, opts)] as const));
  return Object.fromEntries(found.flatMap(([image, newest]) => (newest === undefined ? [] : [[image, newest]])));
}

async function newestOf(image: string, project: string, opts: pulumi.InvokeOptions): Promise<string | undefined> {
  const [, owner = project, family = ""] =
    /^(?:.*projects\/([^/]+)\/)?(?:(?:global\/images\/)?family\/)?([^/]+)$/.exec(image) ?? [];
  if (family === "") return undefined;
  try {
    return (await compute.getImage({ family, project: owner }, opts)).selfLink;
  } catch {
    // A single image, or a family without images: there is nothing newer.
    return undefined;
  }
}

/**
 * Which VMs do not run the newest image of their family, in one line; `undefined` if there are none. Pure.
 * @param images by VM name: the image of its boot disk, and the newest, as links
 */
export function olderImages(
  images: Record<string, { of?: string | undefined; newest?: string | undefined }>,
): string | undefined {
  const older = Object.entries(images).flatMap(([vm, { of, newest }]) =>
    of === undefined || newest === undefined || lastPart(of) === lastPart(newest)
      ? []
      : [[`${lastPart(of)}, not ${lastPart(newest)}`, vm] as const],
  );
  if (older.length === 0) return undefined;
  const groups = [...groupEntries(older)].map(([which, vms]) => `${firstOf(vms)} (${which})`);
  const more = groups.length > 3 ? `; and ${groups.length - 3} other images` : "";
  return `made from an older image than their family's newest: ${groups.slice(0, 3).join("; ")}${more}. They keep it: their system comes from the config repository`;
}
