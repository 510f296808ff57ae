# Instance schedules and people stop, start, suspend and resume a VM at any time, also within an update.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (import ../../lib) contract;
in
{
  # Compute presses the power button and gives a VM some 90 seconds (cloud.google.com/compute/docs/instances/deleting-instance).
  # logind leaves a running switch most of them: the agent holds a delay lock for as long as it switches. If an update is still
  # cut short, the run after the next boot finishes it.
  services.logind.settings.Login.InhibitDelayMaxSec = lib.mkOverride 900 "60s";

  # The time in which a VM was suspended counts for no timer of systemd.timer(5) that is not WakeSystem=. So a resume counts as a
  # boot: five minutes later the machine updates. The homes follow the machine.
  systemd.services."${contract.units.system}-resume" =
    lib.mkIf config.services.nixos-auto-update.enable
      {
        description = "Update this machine after it was suspended";
        # Started once the target is reached, which is when the machine is back (systemd.special(7), sleep.target).
        after = [ "suspend.target" ];
        wantedBy = [ "suspend.target" ];
        serviceConfig = {
          Type = "oneshot";
          # The agent's mark that this boot has been served.
          ExecStartPre = "${pkgs.coreutils}/bin/rm -f ${contract.paths.run}/boot-served";
          ExecStart = "${pkgs.systemd}/bin/systemctl restart --no-block ${contract.units.system}.timer";
        };
      };
}
