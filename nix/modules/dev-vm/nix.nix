# Nix for people without root: anyone who logs in may build and install, and the machine stays usable meanwhile.
{ lib, ... }:
{
  nix = {
    settings = {
      experimental-features = [
        "nix-command"
        "flakes"
      ];
      # Never trusted-users: whom Nix trusts can become root (services.nixos-auto-update asserts it).
      allowed-users = lib.mkDefault [ "*" ];
      # A company's own cache comes beside cache.nixos.org with `extra-substituters` and `extra-trusted-public-keys`. Only what
      # is named there is taken, and only signed: who is not trusted cannot add to it.

      # A build that would fill the disk collects garbage first, up to where it can go on.
      min-free = lib.mkDefault (2 * 1024 * 1024 * 1024);
      max-free = lib.mkDefault (8 * 1024 * 1024 * 1024);
    };

    # Only what no generation holds; how many generations stay is the update's matter (`keepGenerations`).
    gc.automatic = lib.mkDefault true;

    # Builds get what no one else wants. NixOS warns that this can starve updates
    # (nixos/modules/services/system/nix-daemon.nix), which on a developer's machine is the right way round: the update waits.
    daemonCPUSchedPolicy = lib.mkDefault "idle";
    daemonIOSchedClass = lib.mkDefault "idle";

    # Everything comes from the repository's lock.
    channel.enable = lib.mkDefault false;
  };

  # The kernel ends a build before it ends someone's editor.
  systemd.services.nix-daemon.serviceConfig.OOMScoreAdjust = lib.mkDefault 250;
}
