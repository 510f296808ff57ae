# The units of the system's agent. Settings come from `defaults.system`; `command` is the agent's path. `metadataRules` is
# { nft, rootOnly, file }: nftables' program, a file that lets only root reach the metadata server, and the file with the rules; null where
# NixOS loads them.
{
  contract,
  hardening,
  metadataRules,
  units,
}:
settings:

let
  name = contract.units.system;
  metadataClient = hardening.metadataClient { stateDirectory = baseNameOf contract.paths.state; };

  # systemd sets none for a system service, and git and nix need one.
  environment.HOME = "/root";

  online = {
    after = [ "network-online.target" ];
    wants = [ "network-online.target" ];
  };

  update = online // {
    description = "Update this machine from its configuration repository";
    # The service runs the switch. A switch must neither stop it nor start it: so it is not restarted when it changes,
    # not stopped when it goes, and no target wants it (an active target's oneshots are started again by every switch,
    # and this one would then wait for itself).
    restartIfChanged = false;
    unitConfig.X-StopOnRemoval = false;
    inherit environment;
    serviceConfig =
      units.quiet
      // units.run settings.memoryHigh
      // hardening.updater
      // {
        ExecStart = "${settings.command} run";
      };
  };

  reboot = {
    description = "Reboot, if an update needs it and it is allowed now";
    # A run creates this file if a reboot is needed.
    unitConfig.ConditionPathExists = "${contract.paths.run}/reboot-required";
    restartIfChanged = false;
    inherit environment;
    serviceConfig = metadataClient // {
      Type = "oneshot";
      ExecStart = "${settings.command} reboot";
    };
  };

  watch = {
    description = "Wait for the approval of an update";
    after = [ "network.target" ];
    wantedBy = [ "multi-user.target" ];
    unitConfig.StartLimitIntervalSec = 0;
    inherit environment;
    serviceConfig =
      units.quiet
      // metadataClient
      // {
        Type = "simple";
        ExecStart = "${settings.command} watch";
        Restart = "always";
        RestartSec = 10;
      };
  };

  metadataFirewall = {
    description = "Rules for who may reach the metadata server";
    # Before there is a network, and after the users that the rules name exist.
    before = [ "network-pre.target" ];
    wants = [ "network-pre.target" ];
    inherit (metadataRules) after;
    wantedBy = [ "multi-user.target" ];
    # A switch stops changed units first and starts them last. A reload replaces the table in one step instead.
    reloadIfChanged = true;
    unitConfig.DefaultDependencies = false;
    serviceConfig =
      let
        load = file: "${settings.metadataRules.nft} --file ${file}";
      in
      hardening.firewall
      // {
        Type = "oneshot";
        RemainAfterExit = true;
        # If the rules cannot be loaded, only root reaches the server. No ExecStop, so that the rules stay when the unit is stopped.
        ExecStart = map load [
          settings.metadataRules.rootOnly
          settings.metadataRules.file
        ];
        ExecReload = load settings.metadataRules.file;
        Restart = "on-failure";
        RestartSec = 30;
      };
  };
in
{
  services = {
    ${name} = update;
  }
  // (
    if settings.metadataRules != null then
      { ${contract.units.metadataFirewall} = metadataFirewall; }
    else
      { }
  )
  // (if settings.watch then { ${contract.units.watch} = watch; } else { })
  // {
    "${name}-reboot" = reboot;
  };

  timers =
    units.timers {
      inherit name;
      inherit (settings) onBoot dates randomizedDelaySec;
      description = "Update this machine";
    }
    // {
      "${name}-reboot" = {
        description = "Reboot, if an update needs it";
        wantedBy = [ "timers.target" ];
        # Whether a reboot is allowed changes while no update runs: the window opens, people log out.
        timerConfig = {
          OnCalendar = "*:0/10";
          RandomizedDelaySec = "10min";
          FixedRandomDelay = true;
        };
      };
    };
}
