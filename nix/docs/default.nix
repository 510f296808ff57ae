# The text of docs/reference/modules.md: modules.md with the modules' options in it. `lib` is nixpkgs' own; null takes the tests' stub, which
# describes the options in the same words.
{ lib }:

let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    filter
    isAttrs
    isBool
    isList
    isString
    match
    readFile
    replaceStrings
    toJSON
    ;

  options = import ./options.nix {
    lib = if lib == null then import ../tests/stub/lib.nix else lib;
  };

  # A value as one writes it in Nix.
  show =
    value:
    if value == null then
      "null"
    else if isBool value then
      (if value then "true" else "false")
    else if isString value then
      toJSON value
    else if isList value then
      (if value == [ ] then "[ ]" else "[ ${concatStringsSep " " (map show value)} ]")
    else if isAttrs value then
      (
        if value == { } then
          "{ }"
        else
          "{ ${concatStringsSep " " (map (name: "${name} = ${show value.${name}};") (attrNames value))} }"
      )
    else
      toString value;

  said =
    value:
    if value._type or null == "literalMD" then
      plain value.text
    else if value._type or null == "literalExpression" then
      "`${value.text}`"
    else
      "`${show value}`";

  # nixpkgs' markup for options, manual pages and files, as plain Markdown.
  plain =
    text:
    let
      parts = builtins.split "[{](option|manpage|file)[}]" text;
    in
    concatStringsSep "" (filter isString parts);

  trimmed =
    text:
    let
      found = match "(.*[^\n ])[\n ]*" text;
    in
    if found == null then text else builtins.head found;

  described = option: trimmed (plain option.description);

  default =
    option:
    if option ? defaultText then
      said option.defaultText
    else if option ? default then
      said option.default
    else
      "none, it must be set";

  entry = path: option: ''
    ### `${path}`

    ${described option}

    - Type: ${option.type.description}
    - Default: ${default option}
    - Example: ${said option.example}
  '';

  holds = words: option: match "(.*[^a-z])?${words}.*" option.type.description != null;

  # Options, each followed by those within it.
  within =
    prefix: named:
    concatMap (
      name:
      let
        option = named.${name};
        inner = removeAttrs (option.type.getSubOptions [ ]) [ "_module" ];
        step =
          if holds "list of" option then
            ".*"
          else if holds "attribute set of" option then
            ".<name>"
          else
            "";
      in
      if option._type or null == "option" then
        [ (entry "${prefix}.${name}" option) ] ++ within "${prefix}.${name}${step}" inner
      else
        within "${prefix}.${name}" option
    ) (attrNames named);

  list = of: prefix: concatStringsSep "\n" (within prefix options.${of});
in
replaceStrings
  [
    "@SYSTEM@"
    "@HOME@"
    "@PROFILE@"
  ]
  [
    (list "system" "services.nixos-auto-update")
    (list "home" "services.nixos-hm-auto-update")
    (list "profile" "nixos-fleet")
  ]
  (readFile ./modules.md)
