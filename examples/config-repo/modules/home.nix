# What every developer's home has.
{ lib, ... }:
{
  # The user file that one can see change: which nixpkgs this home was built from.
  xdg.configFile."fleet-demo/version".text = "${lib.version}\n";

  home.stateVersion = "26.05";
}
