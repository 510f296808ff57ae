# Both modules with every option set, unset and wrong. Answers { with, cases, failures }: whose modules and `lib` it was, how many
# cases there are, and what is wrong. By itself a stub stands in for nixpkgs' lib; `--arg lib 'import NIXPKGS/lib'` is the real one,
# and with `--arg homeManager HOME_MANAGER` the home's cases run among all modules of Home Manager.
{
  lib ? null,
  homeManager ? null,
}:

let
  inherit (builtins)
    all
    attrNames
    concatMap
    deepSeq
    elem
    filter
    length
    mapAttrs
    match
    replaceStrings
    toJSON
    tryEval
    ;

  inherit (import ./packages.nix) package pkgs;

  stub = import ./stub/modules.nix;
  real = import ./real/lib.nix { inherit lib; };
  amongHomes = import ./real/home-manager.nix { inherit lib homeManager; };

  kinds = {
    system = {
      module = ../modules/nixos-auto-update.nix;
      name = "nixos-auto-update";
      evaluate = if lib == null then stub else real;
    };
    home = {
      module = ../modules/nixos-hm-auto-update.nix;
      name = "nixos-hm-auto-update";
      evaluate =
        if lib == null then
          stub
        else if homeManager == null then
          real
        else
          amongHomes;
    };
  };

  cases = {
    system = import ./cases/system.nix {
      inherit package;
      inherit (pkgs) writeText;
    };
    home = import ./cases/home.nix { inherit package; };
  };

  # What a case changes of its surroundings, group by group.
  beside = base: changed: base // mapAttrs (group: values: base.${group} or { } // values) changed;

  run =
    of: case:
    kinds.${of}.evaluate {
      inherit (kinds.${of}) module name;
      settings = if case.settings or null == { } then { } else { enable = true; } // case.settings or { };
      around = beside cases.${of}.around (case.around or { });
      inherit pkgs;
    };

  broken = config: filter (each: !each.assertion) (config.assertions or [ ]);

  isGood =
    of: case:
    (tryEval (
      let
        config = run of case;
      in
      # The whole of it must come out; otherwise a bad case might be refused for what the surroundings lack.
      deepSeq config (broken config == [ ] && case.holds config)
    )) == {
      success = true;
      value = true;
    };

  comesOut = of: settings: (tryEval (deepSeq (run of { inherit settings; }) true)).success;

  says =
    text: message: match ".*${replaceStrings [ "(" ")" ] [ "[(]" "[)]" ] text}.*" message != null;
  isAsserted =
    of: case:
    let
      messages = map (each: each.message) (broken (run of case));
    in
    length messages == 1 && all (says case.says) messages;

  # Every option is set in a good case and wrong in a bad one.
  untried =
    of: given:
    filter (option: !(elem option (concatMap attrNames given))) (
      attrNames (import ../docs/options.nix { lib = import ./stub/lib.nix; }).${of}
    );

  failuresOf =
    of:
    let
      inherit (cases.${of}) asserted bad good;
    in
    map (case: "${of}, ${case.name}: not what it should be") (filter (case: !isGood of case) good)
    ++ map (settings: "${of}: accepted ${toJSON settings}") (filter (comesOut of) bad)
    ++ map (case: "${of}, ${case.name}: no assertion of its own failed") (
      filter (case: !isAsserted of case) asserted
    )
    ++ map (option: "${of}: no case sets ${option}") (
      filter (option: option != "enable") (untried of (map (case: case.settings or { }) good))
    )
    ++ map (option: "${of}: no case sets ${option} wrong") (untried of bad);

in
{
  "with" =
    if lib == null then
      "a stub lib (nixpkgs' own was not there)"
    else if homeManager == null then
      "nixpkgs' lib"
    else
      "nixpkgs' lib and Home Manager's modules";
  cases = length (
    concatMap (of: cases.${of}.good ++ cases.${of}.bad ++ cases.${of}.asserted) (attrNames cases)
  );
  failures = concatMap failuresOf (attrNames cases);
}
