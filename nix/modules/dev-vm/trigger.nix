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

  # The only thing that the account may run as root, so it takes any argument: sudo-rs refuses rules with a pattern for arguments.
  asRoot = pkgs.writeShellScript "fleet-trigger-as-root" ''
    exec ${update} trigger --by "''${1:-ssh}"
  '';

  # sshd runs this script, whatever command the client sends. The requester's name is what follows `--by` in that command.
  forced = pkgs.writeShellScript "fleet-trigger" ''
    who=$(printf %s "''${SSH_ORIGINAL_COMMAND##*--by }" | tr -cd '[:alnum:] @._:/-')
    exec /run/wrappers/bin/sudo -n ${asRoot} "$who"
  '';
  rules = [
    {
      users = [ cfg.user ];
      commands = [
        {
          command = "${asRoot}";
          options = [ "NOPASSWD" ];
        }
      ];
    }
  ];
  enabled = builtins.filter (name: config.security.${name}.enable) [
    "sudo"
    "sudo-rs"
  ];
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
      description = "The account's name; the stack's `nixos-fleet:ssh.user` must be the same.";
    };
  };

  config = lib.mkIf (cfg.keys != [ ]) {
    users.users.${cfg.user} = {
      isSystemUser = true;
      # sshd runs the forced command by the account's shell, and a system user has none by default.
      useDefaultShell = true;
      group = cfg.user;
      openssh.authorizedKeys.keys = map (key: ''restrict,command="${forced}" ${key}'') cfg.keys;
    };
    users.groups.${cfg.user} = { };

    security.sudo.extraRules = rules;
    security.sudo-rs.extraRules = rules;

    assertions = [
      {
        assertion = enabled != [ ];
        message = "nixos-fleet.trigger.keys needs sudo, which starts the update as root: set security.sudo.enable or security.sudo-rs.enable to true, or trigger.keys to [ ].";
      }
    ]
    ++ map (name: {
      assertion = !config.security.${name}.execWheelOnly;
      message = "nixos-fleet.trigger.keys needs a sudo that ${cfg.user} can run, which is not in the group wheel: set security.${name}.execWheelOnly = lib.mkForce false, or trigger.keys to [ ].";
    }) enabled;
  };
}
