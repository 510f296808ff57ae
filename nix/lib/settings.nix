# The agent's settings as JSON, in the system or home that it deploys. So a run by hand has the same settings as a run by systemd, and
# the health checks are those of the new system or home. Settings that only the units need are left out.
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
  # Settings that are null are left out, also in the entry of a home.
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
