# The units of a home's agent, for the user's own manager. Settings come from `defaults.home`; `command` is the agent's
# path.
{ contract, units }:
settings:

let
  name = contract.units.home;
in
{
  services.${name} = {
    description = "Update this home from its configuration repository";
    # The service runs the home's switch, which must neither stop nor restart it.
    unitConfig.X-SwitchMethod = "keep-old";
    # Many changes of the machine's file in a row must not leave the path unit failed.
    unitConfig.StartLimitIntervalSec = 0;
    # A user's manager that runs at a raised nice level may not set a scheduling policy.
    serviceConfig =
      removeAttrs units.quiet [ "CPUSchedulingPolicy" ]
      // units.run settings.memoryHigh
      // {
        ExecStart = "${settings.command} run";
      };
  };

  # Root writes this file after every good run of the system's agent. A user's unit cannot be ordered after a system's
  # unit, so a change of the file starts the update. The timer is the fallback.
  paths.${name} = {
    description = "Update this home after the machine";
    wantedBy = [ "paths.target" ];
    pathConfig = {
      PathChanged = contract.paths.homes;
      Unit = "${name}.service";
    };
  };

  timers = units.timers {
    inherit name;
    inherit (settings) onBoot dates randomizedDelaySec;
    description = "Update this home";
  };
}
