# Which of these texts one of the options' own types takes.
{ type, texts }:
map (import ../modules/types.nix { lib = import ./stub/lib.nix; }).${type}.check texts
