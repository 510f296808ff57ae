# Modules of a NixOS machine through nixpkgs' own module system: what NixOS would declare takes anything, and says of itself what the
# project's modules read.
{ lib }:
{ modules, pkgs }:

let
  anything = lib.mkOption {
    type = lib.types.anything;
    default = { };
  };

  surroundings = {
    options =
      lib.genAttrs [
        "boot"
        "environment"
        "fileSystems"
        "home-manager"
        "nixpkgs"
        "programs"
        "system"
        "systemd"
        "users"
        "virtualisation"
        "zramSwap"
      ] (_: anything)
      // {
        assertions = lib.mkOption {
          type = lib.types.listOf lib.types.unspecified;
          default = [ ];
        };
        # One option each: a module may read one and set another.
        networking = {
          dhcpcd = anything;
          hostName = lib.mkOption { type = lib.types.str; };
          proxy = anything;
          nftables.enable = anything;
          nftables.tables = anything;
          nftables.preCheckRuleset = anything;
        };
        nix = {
          channel = anything;
          daemonCPUSchedPolicy = anything;
          daemonIOSchedClass = anything;
          envVars = anything;
          gc = anything;
          package = anything;
          settings = anything;
        };
        security = {
          googleOsLogin = anything;
          pam.package = anything;
          pam.services = anything;
          sudo = anything;
          sudo-rs = anything;
        };
        services = {
          comin = anything;
          logind = anything;
          nscd = anything;
          openssh = anything;
        };
      };
    config = {
      networking = {
        proxy.envVars = { };
        nftables.enable = false;
      };
      nix = {
        envVars = { };
        package = lib.mkDefault pkgs.git;
        settings.trusted-users = [ "root" ];
      };
      security = lib.genAttrs [ "sudo" "sudo-rs" ] (name: {
        enable = lib.mkDefault (name == "sudo");
        execWheelOnly = lib.mkDefault false;
      });
      services.nscd = {
        enable = true;
        user = "nscd";
      };
      services.openssh.authorizedKeysCommandUser = "nobody";
      system.autoUpgrade.enable = false;
      users.users.root.isNormalUser = false;
    };
  };
in
(lib.evalModules {
  specialArgs = {
    inherit pkgs;
    modulesPath = toString ../nixpkgs;
  };
  modules = [ surroundings ] ++ modules;
}).config
