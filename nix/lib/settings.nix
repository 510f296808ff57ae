# What an agent reads of its settings: a file that comes with what it deploys, so that a run by hand knows the same as a run by
# systemd, and the health checks are those of what was switched to. When and how often to run is the units' matter.
settings:

let
  inherit (builtins)
    attrNames
    elem
    filter
    intersectAttrs
    mapAttrs
    toJSON
    ;

  seconds = (import ./seconds.nix).of;

  forUnits = [
    "command"
    "dates"
    "memoryHigh"
    "metadataRules"
    "onBoot"
    "protectMetadata"
    "randomizedDelaySec"
    "watch"
  ];
  # What is null is left out, in a home's entry either.
  without = set: unwanted: removeAttrs set (filter (name: unwanted name set.${name}) (attrNames set));
  isNull = _: value: value == null;
  mapGiven = name: f: if given ? ${name} then { ${name} = f given.${name}; } else { };
  given = without settings (name: value: elem name forUnits || value == null);
in
toJSON (
  given
  // mapAttrs (_: seconds) (
    intersectAttrs {
      healthSettle = null;
      rebootDeadline = null;
      windowDeadline = null;
    } given
  )
  // mapGiven "healthChecks" (
    mapAttrs (
      _: check: check // (if check ? timeout then { timeout = seconds check.timeout; } else { })
    )
  )
  // mapGiven "homes" (map (home: without home isNull))
)
