# What every machine has.
{ lib, pkgs, ... }:

let
  # Public keys that may ask a machine to update, and nothing else.
  triggerKeys = [ ];

  update = "/run/current-system/sw/bin/nixos-auto-update";

  # sshd runs this whatever the client asked for; who asks is what follows `--by` in that.
  trigger = pkgs.writeShellScript "fleet-trigger" ''
    who=$(printf %s "''${SSH_ORIGINAL_COMMAND##*--by }" | tr -cd '[:alnum:] @._:/-')
    exec sudo -n ${update} trigger --by "''${who:-ssh}"
  '';
in
{
  services.nixos-auto-update.enable = true;
  # The few services here fail at once where they fail; the default leaves time for slow ones.
  services.nixos-auto-update.healthSettle = 3;

  # The service that one can see change: which nixpkgs this machine was built from.
  systemd.services.fleet-demo = {
    description = "Show which nixpkgs this machine runs";
    wantedBy = [ "multi-user.target" ];
    serviceConfig.RuntimeDirectory = "fleet-demo";
    script = ''
      echo ${lib.version} > /run/fleet-demo/version
      exec sleep infinity
    '';
  };

  users.users.fleet-trigger = {
    isNormalUser = true;
    openssh.authorizedKeys.keys = map (key: ''restrict,command="${trigger}" ${key}'') triggerKeys;
  };

  security.sudo.extraConfig = ''
    fleet-trigger ALL=(root) NOPASSWD: ${update} trigger --by *
  '';
}
