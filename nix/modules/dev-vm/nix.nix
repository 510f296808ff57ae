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
      allowed-users = lib.mkOverride 900 [ "*" ];
      # A company's own cache comes beside cache.nixos.org with `extra-substituters` and `extra-trusted-public-keys`. Only what
      # is named there is taken, and only signed: who is not trusted cannot add to it.

      # A build that would fill the disk collects garbage first, up to where it can go on.
      min-free = lib.mkOverride 900 (2 * 1024 * 1024 * 1024);
      max-free = lib.mkOverride 900 (8 * 1024 * 1024 * 1024);
    };

    # Only what no generation holds; how many generations stay is the update's matter (`keepGenerations`).
    gc.automatic = lib.mkOverride 900 true;

    # Builds get what no one else wants. NixOS warns that this can starve updates
    # (nixos/modules/services/system/nix-daemon.nix), which on a developer's machine is the right way round: the update waits.
    daemonCPUSchedPolicy = lib.mkOverride 900 "idle";
    daemonIOSchedClass = lib.mkOverride 900 "idle";

    # Everything comes from the repository's lock.
    channel.enable = lib.mkOverride 900 false;
  };

  # Whoever can read SQLite's files can lock them, and a lock keeps Nix from all builds, also from root's (sqlite.org/walformat.html,
  # "WAL locks"). Everyone else's Nix asks the daemon.
  systemd.tmpfiles.settings.nixos-fleet."/nix/var/nix/db".z = {
    mode = lib.mkOverride 900 "0700";
    user = "root";
    group = "root";
  };

  # The kernel ends a build before it ends someone's editor.
  systemd.services.nix-daemon.serviceConfig.OOMScoreAdjust = lib.mkOverride 900 250;
}
