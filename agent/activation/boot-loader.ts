/** The boot loader's own files: what it starts, and what an installation without space left behind. */
import { join } from "node:path";
import { defaultSystem } from "../../rules/decision/boot-entry";
import { entries, readText, remove } from "../host/files";

/** The system that the boot loader starts by itself; undefined if its files do not say it beyond doubt. */
export function systemToBoot(folder: string): string | undefined {
  const read = (...path: string[]) => readText(join(folder, ...path));
  return defaultSystem({
    grub: read("grub/grub.cfg"),
    loader: read("loader/loader.conf"),
    entry: (name) => read("loader/entries", name),
  });
}

/**
 * Removes the half kernel that GRUB's installation leaves where it finds no space. It fills the partition, and GRUB's next installation
 * removes it only after it has written its own files (nixpkgs' install-grub.pl); systemd-boot's begins with that.
 */
export function removePartialKernels(folder: string): void {
  const kernels = join(folder, "kernels");
  for (const name of entries(kernels) ?? []) if (name.endsWith(".tmp")) remove(join(kernels, name));
}
