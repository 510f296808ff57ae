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

  lib = import ./lib.nix;
  made = import module { inherit config lib pkgs; };
  options = made.options.services.${name};

  # Settings by their present names.
  last = list: builtins.elemAt list (builtins.length list - 1);
  renamed = builtins.listToAttrs (
    map (module: {
      name = last module.renamed.from;
      value = last module.renamed.to;
    }) made.imports
  );
  given = mapAttrs' (old: renamed.${old} or old) settings;
  mapAttrs' =
    rename: set:
    builtins.listToAttrs (
      map (old: {
        name = rename old;
        value = set.${old};
      }) (attrNames set)
    );

  valueOf =
    option: declaration:
    let
      value = given.${option} or declaration.default;
    in
    if declaration.type.check value then
      value
    else
      throw "services.${name}.${option} has the wrong type";

  unknown = removeAttrs given (attrNames options);

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
