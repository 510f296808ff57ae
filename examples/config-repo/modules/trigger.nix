# An account whose key can ask this machine to update, and nothing else.
{ pkgs, ... }:

let
  # Public keys of whoever runs `pulumi up` with `trigger: ssh`.
  triggerKeys = [ ];

  update = "/run/current-system/sw/bin/nixos-auto-update";

  # sshd runs this whatever the client asked for; who asks is what follows `--by` in that.
  trigger = pkgs.writeShellScript "fleet-trigger" ''
    who=$(printf %s "''${SSH_ORIGINAL_COMMAND##*--by }" | tr -cd '[:alnum:] @._:/-')
    exec sudo -n ${update} trigger --by "''${who:-ssh}"
  '';
in
{
  users.users.fleet-trigger = {
    isSystemUser = true;
    useDefaultShell = true;
    group = "fleet-trigger";
    openssh.authorizedKeys.keys = map (key: ''restrict,command="${trigger}" ${key}'') triggerKeys;
  };
  users.groups.fleet-trigger = { };

  security.sudo.extraConfig = ''
    fleet-trigger ALL=(root) NOPASSWD: ${update} trigger --by *
  '';
}
