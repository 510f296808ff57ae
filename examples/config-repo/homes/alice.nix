{ pkgs, ... }:
{
  imports = [ ../modules/home.nix ];

  home.username = "alice";
  home.homeDirectory = "/home/alice";

  home.packages = [ pkgs.ripgrep ];
}
