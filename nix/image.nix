# The image that the fleet's VMs are made of: the profile of a developer's VM. Which configuration repository it follows, and which of
# its hosts the VM is, the instance's metadata says; the first update replaces everything here by that host.
#
# The startup script (infra/startup.sh) starts the image's agent at the first boot. Should it fail, the agent's timer does so five minutes
# after the boot.
{ revision }:
{ config, lib, ... }:

let
  version = builtins.replaceStrings [ "." ] [ "-" ] config.system.nixos.version;
in
{
  nixpkgs.hostPlatform = lib.mkDefault "x86_64-linux";
  system.stateVersion = config.system.nixos.release;

  # Nothing of when it was built, and no character that Compute refuses in an image's name: the file's name without
  # `.raw.tar.gz` is one.
  image.baseName = "nixos-fleet-${version}-${revision}";

  # In MiB; Compute takes whole GiB only (cloud.google.com/compute/docs/import/import-existing-image). `auto` would leave no room
  # for what is written before the file system has grown to the VM's disk.
  virtualisation.diskSize = 10 * 1024;
}
