# Home Manager: the home updates itself, after the machine and under the machine's lock.
# Import it from the flake (`homeManagerModules.nixos-hm-auto-update`) or this file itself.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  cfg = config.services.nixos-hm-auto-update;
  fleet = import ../lib;
  defaults = fleet.defaults.home;
  option = import ./common-options.nix { inherit lib pkgs defaults; };
  own = import ./types.nix { inherit lib; };
  settings = lib.getAttrs (lib.attrNames defaults) cfg;
in
{
  _class = "homeManager";

  imports = import ./renamed-options.nix lib "nixos-hm-auto-update";

  options.services.nixos-hm-auto-update = option // {
    enable = lib.mkEnableOption "updates of this home from its configuration repository: after the machine's, after boot, and on schedule";

    package = option.package // {
      default = pkgs.callPackage ../package.nix (
        {
          git = cfg.gitPackage;
          nodejs-slim = cfg.nodePackage;
        }
        // lib.optionalAttrs (config.nix.package != null) { nix = config.nix.package; }
      );
    };

    attribute = mkOption {
      type = types.nullOr types.nonEmptyStr;
      default = config.home.username;
      defaultText = lib.literalExpression "config.home.username";
      example = "alice@dev-alice";
      description = "The attribute of the repository's `homeConfigurations` for this home.";
    };

    repository = option.repository // {
      description = ''
        URL of the home's own repository. `null`: the home is in the machine's configuration repository and follows the
        machine. A repository of its own must have the same nixpkgs and home-manager in its lock.
      '';
    };

    directory = mkOption {
      type = types.nullOr own.absolutePath;
      default = defaults.directory;
      example = "/home/alice/nixos-config";
      description = ''
        Your clone of the repository with this home. The agent does not update the home while the clone has edits or commits
        that are not pushed, or git cannot say whether it has; the report names the reason. `null`:
        {file}`~/.config/home-manager`, if that is a clone.
      '';
    };
  };

  config = lib.mkIf cfg.enable (
    let
      units = fleet.homeUnits (
        settings // { command = "${cfg.package}/bin/${fleet.contract.units.home}"; }
      );
      sections = lib.mapAttrs (_: fleet.sections);
    in
    {
      assertions = [
        (lib.hm.assertions.assertPlatform "services.nixos-hm-auto-update" pkgs lib.platforms.linux)
        {
          assertion = !config.services.home-manager.autoUpgrade.enable;
          message = "services.nixos-hm-auto-update and services.home-manager.autoUpgrade would both switch this home: set services.home-manager.autoUpgrade.enable = false.";
        }
        {
          # Home Manager's NixOS module sets it (nixos/common.nix), and checks the home's assertions with the machine's.
          assertion = !config.submoduleSupport.enable;
          message = "services.nixos-hm-auto-update is for a home of its own, and NixOS manages this one (home-manager.users.${config.home.username}): services.nixos-auto-update updates it with the machine. Disable it here, or make the home one of the repository's homeConfigurations.";
        }
      ];

      home.packages = [ cfg.package ];
      xdg.configFile.${fleet.contract.paths.homeSettings}.text = fleet.homeSettings settings;

      systemd.user = {
        services = sections units.services;
        timers = sections units.timers;
        paths = sections units.paths;
      };
    }
  );
}
