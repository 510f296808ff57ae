# The VM tests without a VM: their machines through the module system, where nixpkgs' lib is there, and their scripts.
# Answers { with, scripts: { <test>: text } }.
{ lib }:

let
  inherit (builtins) deepSeq isFunction mapAttrs;

  inherit (import ./packages.nix) package pkgsWith;
  stub = import ./stub/lib.nix;
  programs = [
    "google-guest-agent"
    "jq"
    "python3"
  ];
  pkgs = pkgsWith programs // {
    lib = if lib == null then stub else lib;
    testers.runNixOSTest = checked;
    writers.writeJSON = name: value: deepSeq (builtins.toJSON value) (package name);
  };

  anything = lib.mkOption {
    type = lib.types.anything;
    default = { };
  };

  # What NixOS would declare takes anything; one option each where a module may read one and set another.
  machine =
    node:
    (lib.evalModules {
      specialArgs = { inherit pkgs; };
      modules = [
        {
          options =
            lib.genAttrs [
              "boot"
              "nix"
              "programs"
              "specialisation"
              "system"
              "systemd"
              "users"
              "virtualisation"
            ] (_: anything)
            // {
              assertions = lib.mkOption {
                type = lib.types.listOf lib.types.unspecified;
                default = [ ];
              };
              environment.etc = anything;
              environment.systemPackages = lib.mkOption { type = lib.types.listOf lib.types.package; };
              networking = {
                hostName = anything;
                proxy = anything;
                nftables.enable = anything;
                nftables.tables = anything;
                nftables.preCheckRuleset = anything;
                interfaces = anything;
                hosts = anything;
              };
              security.googleOsLogin = anything;
              security.pam.package = anything;
              security.pam.services = anything;
              security.sudo = anything;
              security.sudo-rs = anything;
              home-manager = anything;
              services = {
                comin = anything;
                gitDaemon = anything;
                nscd = anything;
                openssh = anything;
              };
            };
          config = {
            networking = {
              hostName = "machine";
              proxy.envVars = { };
              nftables.enable = false;
            };
            nix = {
              envVars = { };
              package = package "nix";
              settings = {
                allowed-users = [ "*" ];
                trusted-users = [ "root" ];
              };
            };
            users.users.root.isNormalUser = false;
            security = {
              googleOsLogin.enable = lib.mkDefault false;
              pam.package = package "linux-pam";
              pam.services.sshd.rules.account.oslogin_login.order = 10600;
              sudo = {
                enable = true;
                execWheelOnly = false;
              };
              sudo-rs.enable = false;
            };
            services = {
              gitDaemon.user = "git";
              nscd = {
                enable = true;
                user = "nscd";
              };
              openssh.authorizedKeysCommandUser = "nobody";
            };
            system.autoUpgrade.enable = false;
          };
        }
        node
      ];
    }).config;

  sound =
    config:
    let
      broken = builtins.filter (each: !each.assertion) config.assertions;
    in
    if broken == [ ] then config else throw (builtins.head broken).message;

  # What a script reads of a machine.
  fake = {
    services.openssh.authorizedKeysCommandUser = "nobody";
    specialisation =
      mapAttrs (name: _: { configuration.system.build.toplevel = "/nix/store/${name}"; })
        {
          good = null;
          unhealthy = null;
          kernel = null;
          later = null;
          deployed = null;
        };
  };

  checked =
    test:
    let
      script =
        if isFunction test.testScript then test.testScript { nodes.machine = fake; } else test.testScript;
    in
    if lib == null then script else deepSeq (sound (machine test.nodes.machine)) script;
in
{
  "with" = if lib == null then "a stub lib (nixpkgs' own was not there)" else "nixpkgs' lib";
  scripts = import ./vm {
    inherit pkgs;
    module = ../modules/nixos-auto-update.nix;
  };
}
