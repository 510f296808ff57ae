# One module through the stub lib: its options' types are checked and their defaults filled in, and that is all.
{
  module,
  name,
  settings,
  around,
  pkgs,
}:

let
  inherit (builtins) attrNames deepSeq mapAttrs;

  lib = import ./stub-lib.nix;
  made = import module { inherit config lib pkgs; };
  options = made.options.services.${name};

  valueOf =
    option: declaration:
    let
      value = settings.${option} or declaration.default;
    in
    if declaration.type.check value then
      value
    else
      throw "services.${name}.${option} has the wrong type";

  unknown = removeAttrs settings (attrNames options);

  config = around // {
    services = around.services or { } // {
      ${name} = mapAttrs valueOf options;
    };
  };
in
if unknown != { } then
  throw "services.${name} has no option ${toString (attrNames unknown)}"
else
  deepSeq config.services.${name} made.config
