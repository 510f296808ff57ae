# NixOS: the machine updates itself from its configuration repository.
# Import it from the flake (`nixosModules.nixos-auto-update`) or this file itself.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.services.nixos-auto-update;
  fleet = import ../lib;
  defaults = fleet.defaults.system;
  settings = lib.getAttrs (lib.attrNames defaults) cfg;
  inherit (config.networking) nftables;
  closedByNixos = cfg.protectMetadata && nftables.enable;
  metadataUsers = lib.unique (
    [ "root" ]
    ++ lib.optional config.services.nscd.enable config.services.nscd.user
    ++ lib.optional config.security.googleOsLogin.enable config.services.openssh.authorizedKeysCommandUser
    ++ cfg.metadataUsers
  );

  # The messages at login, of the profile's home disk and of the agents; a file is empty or missing if there is none.
  systemMessages = "${fleet.homeGuardMessage} /run/motd.d/${fleet.contract.units.system}";
  homeMessage = "${fleet.contract.paths.homeState}/login-message";
  # For bash and zsh.
  showMessages = ''
    case $- in
      *i*)
        for file in ${systemMessages} "''${XDG_STATE_HOME:-$HOME/.local/state}/${homeMessage}"; do
          if [ -s "$file" ]; then cat "$file"; fi
        done
        unset file
        ;;
    esac
  '';
in
{
  _class = "nixos";

  imports = import ./renamed-options.nix lib "nixos-auto-update";

  options.services.nixos-auto-update = import ./system-options.nix { inherit config lib pkgs; };

  config = lib.mkIf cfg.enable (
    let
      units = fleet.systemUnits (
        settings
        // {
          command = "${cfg.package}/bin/${fleet.contract.units.system}";
          # With networking.nftables NixOS loads the tables itself, and may flush all others.
          metadataRules =
            if nftables.enable then
              null
            else
              {
                nft = "${pkgs.nftables}/bin/nft";
                rootOnly = pkgs.writeText "root-only.nft" fleet.metadataRules.rootOnly;
                file = pkgs.writeText "metadata.nft" (
                  if cfg.protectMetadata then fleet.metadataRules.ruleset metadataUsers else fleet.metadataRules.open
                );
              };
        }
      );
    in
    {
      assertions = import ./system-assertions.nix { inherit config lib; };

      environment.systemPackages = [ cfg.package ];
      # Each shell's own option: fish discards what `environment.loginShellInit` prints, and babelfish cannot translate `case $-`.
      programs.bash.loginShellInit = showMessages;
      programs.zsh.loginShellInit = showMessages;
      programs.fish.loginShellInit = ''
        if status is-interactive
          set -l state $HOME/.local/state
          test -n "$XDG_STATE_HOME"; and set state $XDG_STATE_HOME
          for file in ${systemMessages} $state/${homeMessage}
            test -s $file; and cat $file
          end
        end
      '';
      environment.etc.${lib.removePrefix "/etc/" fleet.contract.paths.settings}.text =
        fleet.systemSettings settings;

      systemd.services =
        lib.mapAttrs (
          _: unit:
          unit
          // {
            environment = config.nix.envVars // config.networking.proxy.envVars // (unit.environment or { });
          }
        ) units.services
        // lib.optionalAttrs closedByNixos { nftables = { inherit (fleet.metadataRules) after; }; };
      systemd.timers = units.timers;

      networking.nftables = lib.mkIf closedByNixos {
        tables.${fleet.metadataRules.table} = {
          family = "inet";
          content = fleet.metadataRules.chain metadataUsers;
        };
        preCheckRuleset = fleet.metadataRules.preCheck metadataUsers;
      };
    }
  );
}
