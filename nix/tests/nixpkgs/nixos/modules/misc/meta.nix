# Stands in for nixpkgs' module of this path, which Home Manager imports.
{ lib, ... }:
{
  options.meta = lib.mkOption { type = lib.types.lazyAttrsOf lib.types.raw; };
}
