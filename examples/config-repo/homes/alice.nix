{ pkgs, ... }:
{
  home.packages = [ pkgs.ripgrep ];
  programs.direnv.enable = true;
}
