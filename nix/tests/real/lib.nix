# One module through nixpkgs' own module system, its surroundings as options that take anything.
{ lib }:
{
  module,
  name,
  settings,
  around,
  pkgs,
}:

let
  anything = lib.mkOption {
    type = lib.types.anything;
    default = { };
  };

  surroundings =
    { lib, ... }:
    {
      options = {
        assertions = lib.mkOption {
          type = lib.types.listOf lib.types.unspecified;
          default = [ ];
        };
        environment = anything;
        fileSystems = anything;
        home = anything;
        home-manager = anything;
        # One option each: a module may read one and set another.
        networking = {
          hostName = anything;
          proxy.envVars = anything;
          nftables.enable = anything;
          nftables.tables = anything;
          nftables.preCheckRuleset = anything;
        };
        nix = anything;
        preservation = anything;
        programs = anything;
        security = anything;
        services.comin = anything;
        services.home-manager = anything;
        services.nscd = anything;
        services.openssh = anything;
        submoduleSupport = anything;
        system = anything;
        systemd = anything;
        users = anything;
        xdg = anything;
      };
      config = around;
    };

  evaluated = lib.evalModules {
    specialArgs = {
      inherit pkgs;
      # What Home Manager adds to lib.
      lib = lib.extend (_: _: { hm.assertions.assertPlatform = _: _: _: { assertion = true; }; });
    };
    modules = [
      surroundings
      module
      { services.${name} = settings; }
    ];
  };
in
# Every option's value is looked at, also where nothing uses it.
builtins.deepSeq evaluated.config.services.${name} (removeAttrs evaluated.config [ "services" ])
