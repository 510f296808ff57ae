# One module among all of Home Manager's own. Of the home that comes out it gives what our module is about: the rest would take all of
# nixpkgs.
{ lib, homeManager }:
{
  module,
  name,
  settings,
  around,
  pkgs,
}:

let
  extended = import (homeManager + "/modules/lib/stdlib-extended.nix") lib;

  # What Home Manager's modules ask of nixpkgs to declare their options.
  enough = pkgs // {
    # nixpkgs' files that they import, where there is only its lib.
    path = ../nixpkgs;
    glibcLocales = pkgs.git // {
      version = "2.42";
    };
    formats =
      lib.genAttrs
        [
          "ini"
          "iniWithGlobalSection"
          "javaProperties"
          "json"
          "keyValue"
          "toml"
          "xml"
          "yaml"
        ]
        (
          _: _: {
            type = lib.types.anything;
            lib.types.atom = lib.types.anything;
          }
        );
  };

  evaluated = extended.evalModules {
    class = "homeManager";
    specialArgs.modulesPath = toString (homeManager + "/modules");
    modules =
      import (homeManager + "/modules/modules.nix") {
        lib = extended;
        pkgs = enough;
        useNixpkgsModule = false;
      }
      ++ [
        module
        around
        { services.${name} = settings; }
        # It loads parts of nixpkgs beyond its lib.
        { disabledModules = [ (homeManager + "/modules/services-modular") ]; }
      ];
  };

  inherit (evaluated) config;
  ours = extended.filterAttrs (key: _: extended.hasPrefix name key);
in
builtins.deepSeq config.services.${name} {
  inherit (config) assertions;
  systemd.user = builtins.mapAttrs (_: ours) {
    inherit (config.systemd.user) paths services timers;
  };
  xdg.configFile = builtins.mapAttrs (_: file: { inherit (file) text; }) (ours config.xdg.configFile);
}
