# A machine that follows a configuration repository on itself. `push SYSTEM…` commits a flake whose machine is that system, built
# already: a string with a store path's context is as good to `nix build` as a derivation, so nothing is evaluated or fetched.
{ module }:
{
  config,
  lib,
  pkgs,
  ...
}:

let
  push = pkgs.writeShellApplication {
    name = "push";
    runtimeInputs = [ pkgs.git ];
    text = ''
      cd /srv/work
      cat >flake.nix <<END
      {
        outputs = _: {
          nixosConfigurations.machine.config.system.build.toplevel = builtins.appendContext "$1" { "$1".path = true; };
        };
      }
      END
      echo '{ "nodes": { "root": {} }, "root": "root", "version": 7 }' >flake.lock
      git add --all
      git commit --quiet --message "$1"
      git push --quiet origin HEAD:main
    '';
  };
in
{
  imports = [ module ];

  services.nixos-auto-update = {
    enable = true;
    host = "machine";
    repository = "git://localhost/config.git";
    # What the tests ask for is what they see.
    watch = lib.mkDefault false;
    onBoot = lib.mkDefault "1d";
    minimumFree = 0;
  };

  services.gitDaemon = {
    enable = true;
    basePath = "/srv";
    exportAll = true;
  };
  systemd.services.make-repository = {
    wantedBy = [ "multi-user.target" ];
    before = [ "git-daemon.service" ];
    path = [ pkgs.git ];
    unitConfig.ConditionPathExists = "!/srv/work";
    serviceConfig.Type = "oneshot";
    script = ''
      git init --quiet --bare --initial-branch=main /srv/config.git
      git init --quiet --initial-branch=main /srv/work
      git -C /srv/work remote add origin /srv/config.git
      chown -R ${config.services.gitDaemon.user} /srv/config.git
    '';
  };
  programs.git = {
    enable = true;
    config = {
      user.name = "infra";
      user.email = "infra@example.com";
      safe.directory = "*";
    };
  };

  environment.systemPackages = [ push ];
  nix.settings = {
    experimental-features = [
      "nix-command"
      "flakes"
    ];
    substituters = lib.mkForce [ ];
  };

  # A real boot loader on a disk of its own: what a test deploys is what it boots.
  system.switch.enable = true;
  boot.loader.systemd-boot.enable = true;
  virtualisation = {
    useBootLoader = true;
    useEFIBoot = true;
  };
}
