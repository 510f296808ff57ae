# NixOS: the machine updates itself from its configuration repository.
# Import it from the flake (`nixosModules.nixos-auto-update`) or this file itself.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  cfg = config.services.nixos-auto-update;
  fleet = import ../lib;
  option = import ./options.nix { inherit lib; };
in
{
  options.services.nixos-auto-update = {
    enable = lib.mkEnableOption "updates of this machine from its configuration repository: after boot, on approval, and on schedule";

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../package.nix {
        git = cfg.gitPackage;
        nix = config.nix.package;
      };
      defaultText = lib.literalMD "the agent of this repository, with {option}`gitPackage` and {option}`nix.package`";
      description = "The agent.";
    };

    gitPackage = lib.mkPackageOption pkgs "git" { };

    repository = option.repository // {
      description = ''
        URL of the configuration repository. The instance's metadata comes first; without either there is nothing to
        update from, and the agent says so.
      '';
    };

    branch = option.branch;

    directory = mkOption {
      type = types.nullOr (types.strMatching "/.+" // { description = "absolute path"; });
      default = fleet.defaults.system.directory;
      example = "/etc/nixos";
      description = ''
        Where the clone for people lives. It is fast-forwarded when it is clean and left alone otherwise; nothing is
        ever built from it. `null`: as the instance's metadata says, else `/etc/nixos`.
      '';
    };

    host = mkOption {
      type = types.nullOr (types.strMatching "[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?");
      default = if config.networking.hostName == "" then null else config.networking.hostName;
      defaultText = lib.literalExpression "config.networking.hostName, or null where that is empty";
      example = "dev-alice";
      description = ''
        Which of the repository's `nixosConfigurations` this machine is. `null`: as the instance's metadata says.
        Images for Google Compute Engine leave `networking.hostName` empty.
      '';
    };

    follow = mkOption {
      type = types.nullOr (types.enum fleet.contract.follow);
      default = fleet.defaults.system.follow;
      example = "approved";
      description = ''
        What a run brings the machine to: `branch`, the branch's head, or `approved`, what the fleet's rollout has
        approved for it and nothing else. `null`: as the instance's metadata says, else `branch`.
      '';
    };

    onBoot = option.onBoot fleet.defaults.system.onBoot;
    schedule = option.schedule;
    randomizedDelay = option.randomizedDelay fleet.defaults.system.randomizedDelay;

    watch = mkOption {
      type = types.bool;
      default = fleet.defaults.system.watch;
      example = false;
      description = ''
        Whether to wait for approvals in the metadata of the Google Cloud project, so that a rollout reaches a running
        machine at once. It costs one open request.
      '';
    };
  };

  config = lib.mkIf cfg.enable (
    let
      units = fleet.systemUnits {
        command = "${cfg.package}/bin/${fleet.contract.units.system}";
        inherit (cfg)
          repository
          branch
          directory
          host
          follow
          onBoot
          schedule
          randomizedDelay
          watch
          ;
      };
    in
    {
      assertions = [
        {
          assertion = !config.system.autoUpgrade.enable;
          message = "services.nixos-auto-update and system.autoUpgrade would both switch this machine: set system.autoUpgrade.enable = false.";
        }
      ];

      environment.systemPackages = [ cfg.package ];

      systemd.services = lib.mapAttrs (
        _: unit:
        unit // { environment = config.nix.envVars // config.networking.proxy.envVars // unit.environment; }
      ) units.services;
      systemd.timers = units.timers;
    }
  );
}
