/** What the boot loader starts by itself, read from files as nixpkgs writes them. */
import { describe, expect, it } from "vitest";
import { defaultSystem } from "../../../../rules/decision/boot-entry";

const [old, other] = ["/nix/store/a-nixos-system-dev-26.05", "/nix/store/b-nixos-system-dev-26.11"];

const menuentry = (title: string, system: string) => `menuentry "${title}" --class nixos --unrestricted {
search --set=drive1 --fs-uuid 12CE-A600
  linux ($drive1)//kernels/0-linux-6.12.1-bzImage init=${system}/init console=ttyS0 net.ifnames=0
  initrd ($drive1)//kernels/0-initrd-linux-6.12.1-initrd
}

`;
const header = (fallback = "0") => `
    if [ -s $prefix/grubenv ]; then
      load_env
    fi
    if [ "\${next_entry}" ]; then
      set default="\${next_entry}"
      set next_entry=
      save_env next_entry
      set timeout=1
      set boot_once=true
    else
      set default=${fallback}
      set timeout=3
    fi
`;
const submenu = `submenu "NixOS - All configurations" --class submenu {\n${menuentry("NixOS - 2", other)}${menuentry("NixOS - 1", old)}}\n`;

const grub = (text: string) => defaultSystem({ grub: text, loader: undefined, entry: () => undefined });

describe("GRUB", () => {
  it("starts the first entry of its menu", () => {
    expect(grub(header() + menuentry("NixOS", old) + submenu)).toBe(old);
    expect(grub(header() + menuentry("NixOS", other) + submenu)).toBe(other);
  });

  it.each([
    ["the last choice is the default", header('"${saved_entry}"') + menuentry("NixOS", old)],
    ["another entry is the default", header("2") + menuentry("NixOS", old)],
    ["another system comes first", `${header()}menuentry "Other" {\n  chainloader +1\n}\n${menuentry("NixOS", old)}`],
    ["a submenu comes first", header() + submenu + menuentry("NixOS", old)],
    ["the file is cut", header() + menuentry("NixOS", old).slice(0, 100)],
    ["it is empty", ""],
  ])("starts no one knows what where %s", (_, text) => {
    expect(grub(text)).toBeUndefined();
  });
});

describe("systemd-boot", () => {
  const entries: Record<string, string> = {
    "nixos-generation-1.conf": `title NixOS\nversion Generation 1\nlinux /EFI/nixos/k.efi\noptions init=${old}/init console=ttyS0\n`,
    "nixos-generation-2.conf": `title NixOS\nlinux /EFI/nixos/k.efi\noptions init=${other}/init\n`,
    "memtest.conf": "title memtest\nefi /memtest.efi\n",
  };
  const systemdBoot = (loader: string | undefined, grubText?: string) =>
    defaultSystem({ grub: grubText, loader, entry: (name) => entries[name] });

  it("starts the entry that its configuration names", () => {
    expect(systemdBoot("timeout 3\ndefault nixos-generation-1.conf\nconsole-mode keep\n")).toBe(old);
    expect(systemdBoot("timeout 3\ndefault nixos-generation-2.conf\n")).toBe(other);
  });

  it.each([
    ["no entry is named", "timeout 3\n", undefined],
    ["an entry is named by a pattern", "default nixos-*\n", undefined],
    ["the entry is not there", "default nixos-generation-3.conf\n", undefined],
    ["the entry is no system", "default memtest.conf\n", undefined],
    ["GRUB is there too", "default nixos-generation-1.conf\n", header() + menuentry("NixOS", old)],
    ["there is no boot loader", undefined, undefined],
  ])("starts no one knows what where %s", (_, loader, grubText) => {
    expect(systemdBoot(loader, grubText)).toBeUndefined();
  });
});
