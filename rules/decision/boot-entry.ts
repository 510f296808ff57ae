/**
 * Which system the boot loader starts by itself, as its configuration says that nixpkgs writes: GRUB's
 * (nixos/modules/system/boot/loader/grub/install-grub.pl) and systemd-boot's (…/systemd-boot/systemd-boot-builder.py). Both replace it in one
 * step, after they have copied the kernels.
 */

interface BootFiles {
  /** grub/grub.cfg. */
  grub: string | undefined;
  /** loader/loader.conf. */
  loader: string | undefined;
  /** A file in loader/entries. */
  entry: (name: string) => string | undefined;
}

/** The system's store path; undefined if the files do not say it beyond doubt. */
export function defaultSystem({ grub, loader, entry }: BootFiles): string | undefined {
  if (grub !== undefined) return loader === undefined ? grubDefault(grub) : undefined;
  const name = /^default\s+([\w.@+-]+)\s*$/m.exec(loader ?? "")?.[1];
  return name === undefined ? undefined : systemOf(entry(name) ?? "");
}

/** The first menu entry's, if that is the default. */
function grubDefault(text: string): string | undefined {
  const first = /^menuentry .*\n([^]*?)^\}/m.exec(text);
  if (first === null || !/^\s*set default="?0"?\s*$/m.test(text)) return undefined;
  // A submenu before it would come first.
  return text.slice(0, first.index).includes("submenu ") ? undefined : systemOf(first[1] ?? "");
}

function systemOf(entry: string): string | undefined {
  return /\sinit=(\/\S+)\/init(?:\s|$)/.exec(entry)?.[1];
}
