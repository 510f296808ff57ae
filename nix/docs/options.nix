# The modules' options as they are declared: { system, home, profile }, each name -> option, or options by name. The modules'
# functions are called as they are; what they read of a configuration is not looked at.
{ lib }:

let
  optionsOf =
    module:
    (import module {
      inherit lib;
      config = { };
      pkgs = { };
    }).options;
  profile = part: (optionsOf (../modules/dev-vm + "/${part}.nix")).nixos-fleet;
in
{
  system = (optionsOf ../modules/nixos-auto-update.nix).services.nixos-auto-update;
  home = (optionsOf ../modules/nixos-hm-auto-update.nix).services.nixos-hm-auto-update;
  profile = profile "home-disk" // profile "trigger";
}
