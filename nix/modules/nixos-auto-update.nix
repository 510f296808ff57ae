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
  defaults = fleet.defaults.system;
  option = import ./options.nix { inherit lib defaults; };
  timeOfDay = types.strMatching "([01][0-9]|2[0-3]):[0-5][0-9]" // {
    description = "time of day, HH:MM";
  };
  settings = lib.getAttrs (lib.attrNames defaults) cfg;
  inherit (config.networking) nftables;
  metadataUsers = [
    "root"
  ]
  ++ lib.optional config.services.nscd.enable config.services.nscd.user
  ++ lib.optional config.security.googleOsLogin.enable "nobody";
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

    directory = mkOption {
      type = types.nullOr (types.strMatching "/.+" // { description = "absolute path"; });
      default = defaults.directory;
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
      default = defaults.follow;
      example = "approved";
      description = ''
        What a run brings the machine to: `branch`, the branch's head, or `approved`, what the fleet's rollout has
        approved for it and nothing else. `null`: as the instance's metadata says, else `branch`.
      '';
    };

    inherit (option)
      branch
      signers
      knownHosts
      onBoot
      schedule
      randomizedDelay
      healthChecks
      keepGenerations
      minimumFree
      memoryHigh
      metricsDirectory
      notify
      ;

    deployKeySecret = mkOption {
      type = types.nullOr (types.strMatching "projects/[^/]+/secrets/[^/]+(/versions/[^/]+)?");
      default = defaults.deployKeySecret;
      example = "projects/my-project/secrets/config-deploy-key";
      description = ''
        The secret of Secret Manager that holds the SSH key which may read the repository. The machine's service account reads
        it, and it is kept in a file of root's that a reboot forgets. `null`: as the instance's metadata says, else none.
      '';
    };

    allowReboot = mkOption {
      type = types.bool;
      default = defaults.allowReboot;
      example = true;
      description = "Whether to reboot by itself when an update needs it. Otherwise the report says so, and so does a message to who is logged in.";
    };

    rebootWindow = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            lower = mkOption {
              type = timeOfDay;
              example = "01:00";
              description = "From when on to reboot.";
            };
            upper = mkOption {
              type = timeOfDay;
              example = "05:00";
              description = "Until when to reboot.";
            };
          };
        }
      );
      default = defaults.rebootWindow;
      example = {
        lower = "01:00";
        upper = "05:00";
      };
      description = "The time of day to reboot in, in the machine's time zone; it may go over midnight. `null`: any.";
    };

    rebootWithUsers = mkOption {
      type = types.bool;
      default = defaults.rebootWithUsers;
      example = true;
      description = "Whether to reboot while somebody is logged in.";
    };

    watch = mkOption {
      type = types.bool;
      default = defaults.watch;
      example = false;
      description = ''
        Whether to wait for approvals in the metadata of the Google Cloud project, so that a rollout reaches a running
        machine at once. It costs one open request.
      '';
    };

    protectMetadata = mkOption {
      type = types.bool;
      default = defaults.protectMetadata;
      example = false;
      description = ''
        Whether only root, and what login needs, reach Google's metadata server. Otherwise everybody on the machine can take its
        service account's token and publish reports in its name. Name and time service by the same address stay open to all.
      '';
    };
  };

  config = lib.mkIf cfg.enable (
    let
      units = fleet.systemUnits (
        settings
        // {
          command = "${cfg.package}/bin/${fleet.contract.units.system}";
          # Where NixOS loads tables by itself it flushes all others.
          metadataRules =
            if nftables.enable then
              null
            else
              {
                nft = "${pkgs.nftables}/bin/nft";
                file = pkgs.writeText "metadata.nft" (fleet.metadataRules.ruleset metadataUsers);
              };
        }
      );
    in
    {
      assertions = [
        {
          assertion = !config.system.autoUpgrade.enable;
          message = "services.nixos-auto-update and system.autoUpgrade would both switch this machine: set system.autoUpgrade.enable = false.";
        }
      ];

      environment.systemPackages = [ cfg.package ];
      environment.etc.${lib.removePrefix "/etc/" fleet.contract.paths.settings}.text = fleet.systemSettings settings;

      systemd.services = lib.mapAttrs (
        _: unit:
        unit // { environment = config.nix.envVars // config.networking.proxy.envVars // (unit.environment or { }); }
      ) units.services;
      systemd.timers = units.timers;

      networking.nftables.tables = lib.mkIf (cfg.protectMetadata && nftables.enable) {
        ${fleet.metadataRules.table} = {
          family = "inet";
          content = fleet.metadataRules.chain metadataUsers;
        };
      };
    }
  );
}
