# NixOS: a developer's VM on Google Compute Engine, kept current by the fleet. Import it from the flake
# (`nixosModules.dev-vm`) or this file itself; a machine's own settings win, except where a file here says why not. Its defaults have priority
# 900: by mkDefault (1000) they would conflict with those of other modules, such as srvos.
{ lib, modulesPath, ... }:

# The options that its parts set came with NixOS 25.11 and 26.05. An older NixOS only says that one of them does not exist.
assert lib.assertMsg (lib.versionAtLeast lib.trivial.release "26.05")
  "nixos-fleet's profile dev-vm needs NixOS 26.05 or newer, and this is ${lib.trivial.release}: update the input nixpkgs, or import nixosModules.nixos-auto-update alone";
{
  imports = [
    # Brings the guest agent, its startup scripts, OS Login, sshd with keys only, a root disk that grows, and names eth0.
    "${modulesPath}/virtualisation/google-compute-image.nix"
    ./nixos-auto-update.nix
    ./dev-vm/boot.nix
    ./dev-vm/home-disk.nix
    ./dev-vm/host-keys.nix
    ./dev-vm/login.nix
    ./dev-vm/network.nix
    ./dev-vm/nix.nix
    ./dev-vm/power.nix
    ./dev-vm/trigger.nix
  ];

  # The repository and the host's name come from the instance's metadata, so that one image serves every VM.
  services.nixos-auto-update.enable = lib.mkOverride 900 true;

  # An evaluation of NixOS needs 1 to 2 GiB for a short time, which a small VM does not have free.
  zramSwap.enable = lib.mkOverride 900 true;

  # A drop-in, since nixpkgs 26.11 removes `services.journald.extraConfig` and 26.05 has nothing else
  # (nixos/modules/system/boot/systemd/journald.nix). By default the journal takes a tenth of the disk, up to 4 GiB.
  environment.etc."systemd/journald.conf.d/nixos-fleet.conf".text = lib.mkOverride 900 ''
    [Journal]
    SystemMaxUse=1G
    MaxRetentionSec=1month
  '';
}
