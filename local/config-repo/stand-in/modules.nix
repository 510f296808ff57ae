# A small stand-in for the module system: modules are files, functions or sets; sets merge, lists join, and a value that
# two modules give must be the same or marked with mkDefault or mkForce.
let
  inherit (builtins)
    attrNames
    concatLists
    concatMap
    filter
    foldl'
    isAttrs
    isFunction
    isList
    isPath
    isString
    listToAttrs
    ;

  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };

  priority = v: if v._type or null == "override" then v.priority else 100;
  content = v: if v._type or null == "override" then v.content else v;
  plain = v: isAttrs v && v ? _type == false && v.type or null != "derivation";

  # Where an option is and what is given for it -> its value.
  merge =
    where: values:
    let
      least = foldl' (a: v: if priority v < a then priority v else a) 10000 values;
      given = map content (filter (v: priority v == least) values);
      first = builtins.head given;
      names = attrNames (foldl' (a: b: a // b) { } given);
      member = name: {
        inherit name;
        value = merge "${where}.${name}" (concatMap (v: if v ? ${name} then [ v.${name} ] else [ ]) given);
      };
    in
    if builtins.all plain given then
      listToAttrs (map member names)
    else if builtins.all isList given then
      concatLists given
    else if builtins.all (v: v == first) given then
      first
    else
      throw "${where} is set twice, to different values; see mkForce and mkDefault";

  # A module and all that it imports, as sets.
  collect =
    args: module:
    let
      read = if isPath module || isString module then import module else module;
      set = if isFunction read then read args else read;
    in
    [ (removeAttrs set [ "imports" ]) ] ++ concatMap (collect args) (set.imports or [ ]);

  # Options that are known, as sets; `*` stands for any name, anything else than a set for an option's whole value.
  refuse =
    known: where: set:
    foldl' (
      ok: name:
      let
        inner = known.${name} or known."*" or (throw "the stand-in knows no option ${where}${name}");
      in
      ok && (!isAttrs inner || refuse inner "${where}${name}." set.${name})
    ) true (attrNames set);
in
{
  mkDefault = mkOverride 1000;
  mkForce = mkOverride 50;

  # What modules get as arguments -> options that are known -> modules -> config.
  evaluate =
    args: options: modules:
    let
      config = merge "config" (concatMap (collect (args // { inherit config; })) modules);
    in
    assert refuse options "" config;
    config;
}
