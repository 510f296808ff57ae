# Stands in for nixpkgs and Home Manager on the local cloud's machines, which are Debian and reach no network. It
# understands the options that this repository uses and refuses others. `lock` is the parsed flake.lock, `nixos-fleet` a
# folder with that project's nix/ and contract.json.
{ lock, nixos-fleet }:

let
  locked = lock.nodes.nixpkgs.locked;

  # As nixpkgs writes it: the release, when it was, the revision's start.
  version = "26.05.${toString locked.lastModified}.${builtins.substring 0 7 locked.rev}";

  modules = import ./modules.nix;
  build = import ./build.nix;
  fleet = import (nixos-fleet + "/nix/lib");

  parts = {
    inherit build fleet;
    agent = import ./agent.nix { inherit build nixos-fleet; };
    units = import ./units.nix { inherit fleet; };
    evaluate = modules.evaluate {
      inherit lib;
      pkgs.writeShellScript = build.script;
    };
  };

  lib = {
    inherit version;
    inherit (modules) mkDefault mkForce;
    genAttrs =
      names: f:
      builtins.listToAttrs (
        map (name: {
          inherit name;
          value = f name;
        }) names
      );
  };
in
{
  nixpkgs.lib = lib // {
    nixosSystem = import ./nixos.nix (parts // { inherit version; });
  };

  home-manager.lib.homeManagerConfiguration = import ./home-manager.nix parts;
}
