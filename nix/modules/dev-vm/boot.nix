# Booting: from a virtual disk by EFI, with a way back to an older system.
{ lib, ... }:
{
  # Shielded VMs boot by EFI. Their Secure Boot stays off: no key that the firmware knows signs NixOS' boot loaders.
  virtualisation.googleComputeImage.efi = lib.mkOverride 900 true;

  # nixos/modules/virtualisation/google-compute-config.nix sets both to 0, "the user has no way to select them anyway". They have: the
  # serial console, where an older generation is the last way back for a machine that does not come up. Priority 90 is before those
  # plain values (100), and leaves mkForce (50) to hosts.
  boot.loader.timeout = lib.mkOverride 90 3;
  # GRUB's kernels and initrds are on the EFI partition, which Google's image makes with make-disk-image.nix' default of 256 MiB
  # (nixos/lib/make-disk-image.nix, bootSize) and no option of its own. A new pair, some 45 MiB, is copied before the old ones are
  # removed (nixos/modules/system/boot/loader/grub/install-grub.pl): four of them have room up to 60 MiB each.
  boot.loader.grub.configurationLimit = lib.mkOverride 90 3;
  # systemd-boot has its kernels there as well, and by default those of all generations.
  boot.loader.systemd-boot.configurationLimit = lib.mkOverride 900 3;
  boot.loader.grub.extraConfig = ''
    serial --unit=0 --speed=115200
    terminal_input serial console
    terminal_output serial console
  '';

  # udev loads gVNIC's driver by itself. It is named here so that a kernel without it fails to build; such a VM would have no network.
  boot.initrd.availableKernelModules = [ "gve" ];
}
