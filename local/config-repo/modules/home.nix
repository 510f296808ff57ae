# What every developer's home has.
{ lib, ... }:
{
  services.nixos-hm-auto-update.enable = true;
  services.nixos-hm-auto-update.healthSettle = 3;

  # The user file that one can see change: which nixpkgs this home was built from.
  xdg.configFile."fleet-demo/version".text = "${lib.version}\n";
}
