# The units of the system's agent. Settings come from `defaults.system`; `command` is the agent's path. `metadataRules` is
# { nft, file }: nftables' program and the rules that close the metadata server; null where nobody or somebody else loads them.
{
  contract,
  hardening,
  metadataTable,
  units,
}:
settings:

let
  name = contract.units.system;
  asking = hardening.asking { stateDirectory = baseNameOf contract.paths.state; };

  # A system service has none, and git and nix want one.
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
      // hardening.switching
      // {
        ExecStart = "${settings.command} run";
      };
  };

  reboot = {
    description = "Reboot, if an update needs it and it is allowed now";
    restartIfChanged = false;
    inherit environment;
    serviceConfig = asking // {
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
      // asking
      // {
        Type = "simple";
        ExecStart = "${settings.command} watch";
        Restart = "always";
        RestartSec = 10;
      };
  };

  metadataFirewall = {
    description = "Close the metadata server to who may not reach it";
    # Before there is a network, so that nobody is faster.
    before = [ "network-pre.target" ];
    wants = [ "network-pre.target" ];
    wantedBy = [ "multi-user.target" ];
    unitConfig.DefaultDependencies = false;
    serviceConfig = hardening.filtering // {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = "${settings.metadataRules.nft} --file ${settings.metadataRules.file}";
      ExecStop = "${settings.metadataRules.nft} delete table inet ${metadataTable}";
    };
  };
in
{
  services = {
    ${name} = update;
  }
  // (
    if settings.protectMetadata && settings.metadataRules != null then
      { ${contract.units.metadataFirewall} = metadataFirewall; }
    else
      { }
  )
  // (if settings.watch then { ${contract.units.watch} = watch; } else { })
  // (if settings.allowReboot then { "${name}-reboot" = reboot; } else { });

  timers =
    units.timers {
      inherit name;
      inherit (settings) onBoot schedule randomizedDelay;
      description = "Update this machine";
    }
    // (
      if settings.allowReboot then
        {
          "${name}-reboot" = {
            description = "Reboot, if an update needs it";
            wantedBy = [ "timers.target" ];
            # Whether it is allowed changes while nobody updates: the window opens, people log out.
            timerConfig = {
              OnCalendar = "*:0/10";
              RandomizedDelaySec = "10min";
              FixedRandomDelay = true;
            };
          };
        }
      else
        { }
    );
}
