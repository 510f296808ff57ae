# An account whose key can ask this machine to update, and nothing else: for `trigger: ssh` of the Pulumi program.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  cfg = config.nixos-fleet.trigger;
  update = "/run/current-system/sw/bin/${(import ../../lib).contract.units.system}";

  # sshd runs this whatever the client asked for; who asks is what follows `--by` in that.
  forced = pkgs.writeShellScript "fleet-trigger" ''
    who=$(printf %s "''${SSH_ORIGINAL_COMMAND##*--by }" | tr -cd '[:alnum:] @._:/-')
    exec /run/wrappers/bin/sudo -n ${update} trigger --by "''${who:-ssh}"
  '';
in
{
  options.nixos-fleet.trigger = {
    keys = mkOption {
      type = types.listOf (
        types.strMatching "(ssh|ecdsa|sk)-[^ ]+ [A-Za-z0-9+/=]+( .*)?"
        // {
          description = "SSH public key";
        }
      );
      default = [ ];
      example = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI… pulumi" ];
      description = ''
        Public keys that may ask this machine to update over SSH, as `pulumi up` with `trigger: ssh` does. Without any there is no
        such account: the machine then learns of approvals by its watcher alone, which needs no open port.
      '';
    };

    user = mkOption {
      type = (import ../types.nix { inherit lib; }).userName;
      default = "fleet-trigger";
      example = "updater";
      description = "The account's name, as the stack's `nixos-fleet:ssh.user` says it.";
    };
  };

  config = lib.mkIf (cfg.keys != [ ]) {
    users.users.${cfg.user} = {
      isSystemUser = true;
      # sshd runs the forced command by the account's shell; a system user's default is none.
      useDefaultShell = true;
      group = cfg.user;
      openssh.authorizedKeys.keys = map (key: ''restrict,command="${forced}" ${key}'') cfg.keys;
    };
    users.groups.${cfg.user} = { };

    security.sudo.extraRules = [
      {
        users = [ cfg.user ];
        commands = [
          {
            command = "${update} trigger --by *";
            options = [ "NOPASSWD" ];
          }
        ];
      }
    ];
  };
}
