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
      # A company's own cache comes beside cache.nixos.org with `extra-substituters` and `extra-trusted-public-keys`. Nix uses
      # only the caches that are named there, and checks signatures. Users who are not trusted cannot add a cache.

      # A build that would fill the disk collects garbage first, up to where it can go on.
      min-free = lib.mkOverride 900 (2 * 1024 * 1024 * 1024);
      max-free = lib.mkOverride 900 (8 * 1024 * 1024 * 1024);
    };

    # Collects only what no generation needs. The agent decides how many generations stay (`keepGenerations`).
    gc.automatic = lib.mkOverride 900 true;

    # Builds get CPU and disk time that nothing else uses. NixOS warns that this can starve updates
    # (nixos/modules/services/system/nix-daemon.nix). On a developer's machine an update may wait; the developer should not.
    daemonCPUSchedPolicy = lib.mkOverride 900 "idle";
    daemonIOSchedClass = lib.mkOverride 900 "idle";

    # Everything comes from the repository's lock.
    channel.enable = lib.mkOverride 900 false;
  };

  # Everyone who can read SQLite's files can lock them, and a lock keeps Nix from all builds, also from root's (sqlite.org/walformat.html,
  # "WAL locks"). The Nix of other users asks the daemon.
  systemd.tmpfiles.settings.nixos-fleet."/nix/var/nix/db".z.mode = lib.mkOverride 900 "0700";

  # When memory runs out, the kernel kills a build before someone's editor.
  systemd.services.nix-daemon.serviceConfig.OOMScoreAdjust = lib.mkOverride 900 250;
}
