# The image of the fleet's VMs: the profile of a developer's VM. The instance's metadata says which configuration repository the VM
# follows and which of its hosts it is; the first update replaces this image's system by that host's.
#
# The startup script (infra/startup.sh) starts the image's agent at the first boot. If that fails, the agent's timer starts it five minutes
# after the boot.
{ revision }:
{ config, lib, ... }:

let
  version = builtins.replaceStrings [ "." ] [ "-" ] config.system.nixos.version;
in
{
  nixpkgs.hostPlatform = lib.mkDefault "x86_64-linux";
  system.stateVersion = config.system.nixos.release;

  # Without the time of the build, and without characters that Compute refuses: the file's name without `.raw.tar.gz` is the image's name.
  image.baseName = "nixos-fleet-${version}-${revision}";

  # In MiB; Compute takes whole GiB only (cloud.google.com/compute/docs/import/import-existing-image). `auto` would leave no room
  # for what is written before the file system grows to the size of the VM's disk.
  virtualisation.diskSize = 10 * 1024;
}
