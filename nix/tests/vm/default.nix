# The tests that boot NixOS in a virtual machine. `nix build .#checks.x86_64-linux.vm-update` runs one.
{ pkgs, module }:

let
  run = test: pkgs.testers.runNixOSTest (import test { inherit pkgs module; });
in
{
  vm-update = run ./update.nix;
  vm-metadata = run ./metadata.nix;
}
