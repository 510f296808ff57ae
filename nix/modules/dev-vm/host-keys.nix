# The VM publishes its SSH host keys, so that `trigger: ssh` and `fleet trigger` know which key it must show. Google's guest agent does so
# only for keys that it makes itself, which nixpkgs switches off (nixos/modules/virtualisation/google-compute-config.nix: set_host_keys).
{
  config,
  lib,
  pkgs,
  ...
}:

let
  publish = pkgs.writeShellApplication {
    name = "publish-host-keys";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.curl
      config.services.openssh.package
    ];
    text = builtins.readFile ./publish-host-keys.bash;
  };
  files = map (key: "${key.path}.pub") config.services.openssh.hostKeys;
  sandbox = (import ../../lib/hardening.nix).metadataClient { stateDirectory = null; };
in
{
  systemd.services.publish-host-keys = lib.mkIf config.services.openssh.enable {
    description = "Publish the SSH host keys as guest attributes";
    # A new instance may have the disk of another one, so each boot publishes them.
    wantedBy = [ "multi-user.target" ];
    # With services.openssh.startWhenNeeded only a first connection would make the keys.
    wants = [
      "network-online.target"
      "sshd-keygen.service"
    ];
    after = [
      "network-online.target"
      "sshd-keygen.service"
      "sshd.service"
    ];
    # Neither a boot nor a switch waits for a server that does not take them.
    serviceConfig =
      removeAttrs sandbox [
        "ReadWritePaths"
        "StateDirectory"
      ]
      // {
        Type = "exec";
        RemainAfterExit = true;
        ExecStart = "${lib.getExe publish} ${lib.escapeShellArgs files}";
      };
  };
}
