/** The images that an update creates VMs from. */
import type { Inventory } from "../../rules/contract";
import { imageCure, imageMistakes, type HasImage } from "../../rules/vm-images";
import { madeImages } from "../components/image";
import { ConfigError } from "../config-error";
import type { FleetConfig } from "../config/fleet-config";
import { oursNamed } from "./stack-moves";

type Fleet = Pick<FleetConfig, "project" | "fleet" | "stack" | "stacks" | "image" | "vms">;

/**
 * @param replaced names of VMs that the update creates again
 * @param hasImage called only for images of VMs that are to be created
 * @throws ConfigError of every image that does not exist
 */
export async function requireImages(
  config: Fleet,
  { vms: present }: Inventory,
  replaced: readonly string[],
  hasImage: HasImage,
): Promise<void> {
  const isNew = (name: string) => oursNamed(config, present, name) === undefined || replaced.includes(name);
  const vms = config.vms.filter(({ name }) => isNew(name));
  const mistakes = await imageMistakes({ project: config.project, vms, made: madeImages(config) }, hasImage);
  if (mistakes.length > 0) throw new ConfigError(mistakes.map((line) => `${line}; ${imageCure}`));
}
