# The image that the fleet's VMs are made of: the profile of a developer's VM, and what its first boot needs before it has the
# configuration repository. Which repository, and which of its hosts the VM is, the instance's metadata says; the first update
# replaces everything here by that host.
#
# Two agents are there at the first boot: this image's, and the one that the startup script carries along (infra/startup.ts). The
# startup script runs its own: that one is of the same version as the program that wrote the metadata, while an image may be months
# old, and a NixOS image that is not ours has no other. So what the image brings for the first boot is the tools that an agent
# runs. Its own agent is there for its timers: should the startup script fail, the update comes five minutes after the boot.
{ revision }:
{ config, lib, ... }:

let
  version = builtins.replaceStrings [ "." ] [ "-" ] config.system.nixos.version;
in
{
  nixpkgs.hostPlatform = lib.mkDefault "x86_64-linux";
  system.stateVersion = config.system.nixos.release;

  environment.systemPackages = config.services.nixos-auto-update.package.tools;

  # Nothing of when it was built, and no character that Compute refuses in an image's name: the file's name without
  # `.raw.tar.gz` is one.
  image.baseName = "nixos-fleet-${version}-${revision}";

  # In MiB; Compute takes whole GiB only (cloud.google.com/compute/docs/import/import-existing-image). `auto` would leave no room
  # for what is written before the file system has grown to the VM's disk.
  virtualisation.diskSize = 10 * 1024;
}
