# systemd sandboxing, unit by unit. docs/reference/modules.md has the exposure that `systemd-analyze security` counts for each.
let
  # None of these units needs people's files, devices, kernel settings or other namespaces, or writes outside /run and the agent's state.
  base = {
    CapabilityBoundingSet = "";
    LockPersonality = true;
    NoNewPrivileges = true;
    PrivateDevices = true;
    PrivateTmp = true;
    ProtectClock = true;
    ProtectControlGroups = true;
    ProtectHome = true;
    ProtectHostname = true;
    ProtectKernelLogs = true;
    ProtectKernelModules = true;
    ProtectKernelTunables = true;
    ProtectSystem = "strict";
    RestrictNamespaces = true;
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    SystemCallArchitectures = "native";
    SystemCallErrorNumber = "EPERM";
    SystemCallFilter = [
      "@system-service"
      "~@privileged"
    ];
  };
in
{
  # They ask the metadata server, tell systemd over D-Bus, and with `monitoring` post to Cloud Logging, whose addresses are any of
  # Google's: so no filter by address.
  # They run Node, whose V8 compiles at run time: no MemoryDenyWriteExecute.
  metadataClient =
    { stateDirectory }:
    base
    // {
      ReadWritePaths = "/run";
      RestrictAddressFamilies = [
        "AF_UNIX"
        "AF_INET"
        "AF_INET6"
        "AF_NETLINK"
      ];
      StateDirectory = stateDirectory;
    };

  # It sets the kernel's packet filter and reaches no address.
  firewall = base // {
    MemoryDenyWriteExecute = true;
    CapabilityBoundingSet = "CAP_NET_ADMIN";
    IPAddressDeny = "any";
    # It runs before there is a /tmp to wait for.
    PrivateTmp = "disconnected";
    RestrictAddressFamilies = [
      "AF_UNIX"
      "AF_NETLINK"
    ];
    UMask = "0077";
  };

  # It runs Nix builds and system activations, which may do nearly anything. A mount namespace of its own (PrivateTmp, ProtectHome,
  # ProtectSystem and most others bring one) would hide what an activation mounts (nixos/modules/system/activation/activation-script.nix,
  # specialfs; nixos/modules/system/etc/etc.nix, the overlay on /etc). Root builds without the Nix daemon, so builds would inherit a filter
  # of system calls, which most Restrict… settings are too, and a test of a package could fail here alone.
  updater.CapabilityBoundingSet = "~CAP_BLOCK_SUSPEND CAP_LEASE CAP_SYS_PACCT CAP_SYS_TIME CAP_WAKE_ALARM";
}
