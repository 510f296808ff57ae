# The profile through nixpkgs' own module system, with the agent's module.
{ lib }:
{
  settings,
  around,
  pkgs,
}:
import ./nixos.nix { inherit lib; } {
  inherit pkgs;
  modules = [
    around
    ../../modules/dev-vm.nix
    { nixos-fleet = settings; }
  ];
}
