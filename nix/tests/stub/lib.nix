# nixpkgs' lib as far as the modules use it: options are what they were declared as, types check values and describe themselves in
# nixpkgs' words. Priorities are forgotten; where that matters, the real lib tells.
let
  inherit (builtins)
    all
    attrNames
    attrValues
    concatStringsSep
    elem
    isAttrs
    isBool
    isInt
    isList
    isString
    mapAttrs
    match
    stringLength
    substring
    toJSON
    ;

  type = descriptionClass: description: check: {
    inherit check description descriptionClass;
    getSubOptions = _: { };
  };
  noun = type "noun";
  clause = type "nonRestrictiveClause";

  # A type within another's description.
  phrase =
    classes: inner:
    if elem (inner.descriptionClass or null) classes then
      inner.description
    else
      "(${inner.description})";
  around =
    class: classes: words: check: inner:
    type class "${words} ${phrase classes inner}" (check inner.check)
    // {
      inherit (inner) getSubOptions;
    };

  expression = _type: text: { inherit _type text; };

  # Sets become one, lists one list; of anything else the last one stays.
  merge =
    a: b:
    a
    // mapAttrs (
      name: value:
      if !(a ? ${name}) then
        value
      else if isAttrs value && value.type or null != "derivation" then
        merge a.${name} value
      else if isList value then
        a.${name} ++ value
      else
        value
    ) b;
in
rec {
  mkOption = option: { _type = "option"; } // option;
  mkEnableOption =
    what:
    mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether to enable ${what}.";
    };
  mkPackageOption =
    set: attribute:
    { example }:
    mkOption {
      type = types.package;
      default = set.${attribute};
      defaultText = literalExpression "pkgs.${attribute}";
      example = literalExpression "pkgs.${toString example}";
      description = "The ${attribute} package to use.";
    };
  mkIf = condition: content: if condition then content else { };
  mkRenamedOptionModule = from: to: { renamed = { inherit from to; }; };
  mkMerge = builtins.foldl' merge { };
  mkDefault = content: content;
  mkForce = content: content;
  mkOverride = _: content: content;

  literalExpression = expression "literalExpression";
  literalMD = expression "literalMD";

  inherit mapAttrs attrNames;
  getAttrs = names: set: mapAttrs (name: _: set.${name}) (removeAttrs set (notIn names set));
  notIn = names: set: builtins.filter (name: !(elem name names)) (attrNames set);
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  removePrefix = prefix: text: substring (stringLength prefix) (-1) text;
  optional = condition: value: if condition then [ value ] else [ ];
  optionalAttrs = condition: set: if condition then set else { };
  optionalString = condition: text: if condition then text else "";
  unique = builtins.foldl' (seen: each: if elem each seen then seen else seen ++ [ each ]) [ ];
  getExe = package: "${package}/bin/${package.meta.mainProgram}";
  makeBinPath = packages: concatStringsSep ":" (map (package: "${package}/bin") packages);
  concatMapStrings = f: list: concatStringsSep "" (map f list);
  escapeShellArg =
    text:
    if match "[[:alnum:],._+:@%/-]+" text != null then
      text
    else
      "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] text}'";
  escapeShellArgs = texts: concatStringsSep " " (map escapeShellArg texts);
  importJSON = file: builtins.fromJSON (builtins.readFile file);
  versionAtLeast = version: least: builtins.compareVersions version least >= 0;
  trivial.release = "26.05";
  assertMsg = condition: message: condition || throw message;
  licenses.mit = { };
  platforms.linux = [ "x86_64-linux" ];
  hm.assertions.assertPlatform = _: _: _: { assertion = true; };

  types = {
    bool = noun "boolean" isBool;
    nonEmptyStr = noun "non-empty string" (v: isString v && match "[ \t\n]*" v == null);
    strMatching =
      pattern: noun "string matching the pattern ${pattern}" (v: isString v && match pattern v != null);
    enum =
      values: type "conjunction" "one of ${concatStringsSep ", " (map toJSON values)}" (v: elem v values);
    package = noun "package" (v: v.type or null == "derivation");
    lines = noun "strings concatenated with ${toJSON "\n"}" isString;
    ints = {
      unsigned = clause "unsigned integer, meaning >=0" (v: isInt v && v >= 0);
      positive = clause "positive integer, meaning >0" (v: isInt v && v > 0);
      between =
        low: high:
        noun "integer between ${toString low} and ${toString high} (both inclusive)" (
          v: isInt v && v >= low && v <= high
        );
    };
    attrsOf = around "composite" [ "noun" "composite" ] "attribute set of" (
      check: v: isAttrs v && all check (attrValues v)
    );
    listOf = around "composite" [ "noun" "composite" ] "list of" (check: v: isList v && all check v);
    either =
      one: other:
      let
        simple = [
          "noun"
          "conjunction"
        ];
        described =
          if one.descriptionClass or null == "nonRestrictiveClause" then
            "${one.description}, or ${phrase simple other}"
          else
            "${phrase simple one} or ${phrase (simple ++ [ "composite" ]) other}";
      in
      type "conjunction" described (v: one.check v || other.check v);
    nullOr = around "conjunction" [ "noun" "conjunction" ] "null or" (check: v: v == null || check v);
    submodule =
      { options }:
      type null "submodule" (
        v:
        isAttrs v
        && removeAttrs v (attrNames options) == { }
        && all (
          name: if v ? ${name} then options.${name}.type.check v.${name} else options.${name} ? default
        ) (attrNames options)
      )
      // {
        getSubOptions = _: options;
      };
  };
}
