# The units of both agents against the unit files written out beside this file, one folder a case. Needs neither nixpkgs
# nor a store: `nix-instantiate --eval --strict nix/tests/units.nix` answers the list of what is wrong.
let
  inherit (builtins)
    attrNames
    concatMap
    filter
    listToAttrs
    pathExists
    readDir
    readFile
    ;

  fleet = import ../lib;

  # Settings -> units, by the name of their folder.
  cases = {
    system-defaults = fleet.systemUnits { command = "/bin/nixos-auto-update"; };
    system-everything = fleet.systemUnits {
      command = "/bin/nixos-auto-update";
      onBoot = "20s";
      dates = "weekly";
      randomizedDelaySec = "15min";
      watch = false;
      allowReboot = true;
      memoryHigh = "2G";
      metadataRules = {
        nft = "/bin/nft";
        rootOnly = "/etc/root-only.nft";
        file = "/etc/metadata.nft";
      };
    };
    home-defaults = fleet.homeUnits { command = "/bin/nixos-hm-auto-update"; };
    home-everything = fleet.homeUnits {
      command = "/bin/nixos-hm-auto-update";
      onBoot = "30s";
      dates = "Mon 07:00";
      randomizedDelaySec = "5min";
    };
  };

  suffixes = {
    services = "service";
    timers = "timer";
    paths = "path";
  };

  texts =
    units:
    listToAttrs (
      concatMap (
        kind:
        map (name: {
          name = "${name}.${suffixes.${kind}}";
          value = fleet.text (fleet.sections units.${kind}.${name});
        }) (attrNames units.${kind})
      ) (attrNames units)
    );

  compare =
    case:
    let
      made = texts cases.${case};
      folder = ./units + "/${case}";
      differs =
        file: !(pathExists (folder + "/${file}")) || readFile (folder + "/${file}") != made.${file};
      missing = filter (file: !(made ? ${file})) (attrNames (readDir folder));
    in
    map (file: "${case}/${file} is now:\n${made.${file}}") (filter differs (attrNames made))
    ++ map (file: "${case}/${file} is not made any more") missing;
in
concatMap compare (attrNames cases)
