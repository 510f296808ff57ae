# One module without nixpkgs: its options' types are checked and their defaults filled in, and that is all. No merging, no
# priorities; where that matters, real-lib.nix tells.
{
  module,
  name,
  settings,
  around,
  pkgs,
}:

let
  inherit (builtins)
    attrNames
    elem
    isBool
    isString
    mapAttrs
    match
    ;

  type = check: { inherit check; };

  lib = {
    mkOption = option: option;
    mkEnableOption = description: {
      type = lib.types.bool;
      default = false;
      example = true;
      inherit description;
    };
    mkPackageOption = set: attribute: _: {
      type = lib.types.package;
      default = set.${attribute};
      description = "The ${attribute} package to use.";
    };
    mkIf = condition: content: if condition then content else { };

    literalExpression = text: text;
    literalMD = text: text;

    inherit (builtins) mapAttrs;
    inherit (builtins) attrNames;
    getAttrs =
      names: set:
      builtins.listToAttrs (
        map (name: {
          inherit name;
          value = set.${name};
        }) names
      );
    removePrefix = prefix: text: builtins.substring (builtins.stringLength prefix) (-1) text;
    optional = condition: value: if condition then [ value ] else [ ];
    optionalAttrs = condition: set: if condition then set else { };
    platforms.linux = [ "x86_64-linux" ];
    hm.assertions.assertPlatform = _: _: _: { assertion = true; };

    types = {
      bool = type isBool;
      str = type isString;
      nonEmptyStr = type (v: isString v && match "[ \t\n]*" v == null);
      strMatching = pattern: type (v: isString v && match pattern v != null);
      enum = values: type (v: elem v values);
      package = type (v: v.type or null == "derivation");
      lines = type isString;
      ints.unsigned = type (v: builtins.isInt v && v >= 0);
      ints.positive = type (v: builtins.isInt v && v > 0);
      ints.between =
        low: high:
        type (v: builtins.isInt v && v >= low && v <= high);
      attrsOf = inner: type (v: builtins.isAttrs v && builtins.all inner.check (builtins.attrValues v));
      submodule =
        { options }:
        type (
          v:
          builtins.isAttrs v
          && removeAttrs v (attrNames options) == { }
          && builtins.all (
            name: if v ? ${name} then options.${name}.type.check v.${name} else options.${name} ? default
          ) (attrNames options)
        );
      nullOr = inner: type (v: v == null || inner.check v);
    };
  };

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
  builtins.deepSeq config.services.${name} made.config
