# What an agent reads of its settings: a file that comes with what it deploys, so that a run by hand knows the same as a run by
# systemd, and the health checks are those of what was switched to. When and how often to run is the units' matter.
settings:

let
  inherit (builtins)
    attrNames
    filter
    listToAttrs
    toJSON
    ;

  forUnits = [
    "command"
    "memoryHigh"
    "metadataRules"
    "onBoot"
    "protectMetadata"
    "randomizedDelay"
    "schedule"
    "watch"
  ];
  told = filter (name: !(builtins.elem name forUnits) && settings.${name} != null) (
    attrNames settings
  );
in
toJSON (
  listToAttrs (
    map (name: {
      inherit name;
      value = settings.${name};
    }) told
  )
)
