# What every machine has in addition to nixos-fleet's profile of a developer's VM.
{ lib, ... }:
{
  # When else to update than after a boot and on approval.
  services.nixos-auto-update.dates = "weekly";

  # Only commits that one of these people signed: see README.md.
  # services.nixos-auto-update.signers = builtins.readFile ../allowed_signers;

  # Homes on a disk that outlives the VM, where the stack has `homeDisk`.
  # nixos-fleet.homeDisk.enable = true;

  # Public keys of those who run `pulumi up` with `trigger: ssh`.
  nixos-fleet.trigger.keys = [ ];

  # The service that one can see change: which nixpkgs this machine was built from.
  systemd.services.fleet-demo = {
    description = "Show which nixpkgs this machine runs";
    wantedBy = [ "multi-user.target" ];
    serviceConfig = {
      DynamicUser = true;
      RuntimeDirectory = "fleet-demo";
    };
    script = ''
      echo ${lib.version} > /run/fleet-demo/version
      exec sleep infinity
    '';
  };

  system.stateVersion = "26.05";
}
