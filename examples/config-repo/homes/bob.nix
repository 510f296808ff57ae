{ pkgs, ... }:
{
  imports = [ ../modules/home.nix ];

  home.username = "bob";
  home.homeDirectory = "/home/bob";

  home.packages = [ pkgs.jq ];
}
