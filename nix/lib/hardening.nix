# What each unit of the machine is denied. `docs/modules.md` has what `systemd-analyze security` says of the outcome.
let
  # What nothing here needs: to see people's files, devices, the kernel's settings, other namespaces, or to write outside /run and
  # the agent's own state.
  closed = {
    CapabilityBoundingSet = "";
    LockPersonality = true;
    MemoryDenyWriteExecute = true;
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
  # They ask the metadata server, on its link-local address, and tell systemd over D-Bus.
  asking =
    { stateDirectory }:
    closed
    // {
      IPAddressAllow = [
        "localhost"
        "link-local"
      ];
      IPAddressDeny = "any";
      ReadWritePaths = "/run";
      RestrictAddressFamilies = [
        "AF_UNIX"
        "AF_INET"
        "AF_INET6"
        "AF_NETLINK"
      ];
      StateDirectory = stateDirectory;
    };

  # It sets the kernel's packet filter and does nothing else.
  filtering = closed // {
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

  # It runs the builds of Nix and all that an activation may do, so next to nothing can be taken. A mount namespace of its own, which
  # PrivateTmp, ProtectHome, ProtectSystem and most others bring, would hide from the machine what an activation mounts
  # (nixos/modules/system/activation/activation-script.nix, specialfs; nixos/modules/system/etc/etc.nix, the overlay on /etc);
  # filters of system calls would be the builds' too (32-bit ones, set-uid files, namespaces of the sandbox).
  switching = {
    CapabilityBoundingSet = "~CAP_BLOCK_SUSPEND CAP_LEASE CAP_SYS_PACCT CAP_SYS_TIME CAP_WAKE_ALARM";
    RestrictRealtime = true;
  };
}
