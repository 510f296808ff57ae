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
    # The service runs the switch of the home, which must leave it alone.
    unitConfig.X-SwitchMethod = "keep-old";
    serviceConfig =
      units.quiet
      // units.run settings.memoryHigh
      // {
        ExecStart = "${settings.command} run";
      };
  };

  # Root writes this file after every good run of the system's agent. A user's unit cannot be ordered after a system's
  # unit, so the file is what tells; the timer is for the day that it does not.
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
