# A unit in NixOS' shape, as the sections of its unit file; sections as text.
let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    filter
    isBool
    isList
    toJSON
    ;

  # Leaves out what a unit does not set.
  withoutEmpty =
    set:
    removeAttrs set (
      filter (
        name:
        builtins.elem set.${name} [
          null
          [ ]
          { }
        ]
      ) (attrNames set)
    );

  value = v: if isBool v then (if v then "true" else "false") else toString v;

  line = key: v: if isList v then map (each: "${key}=${value each}") v else [ "${key}=${value v}" ];

  section =
    name: keys: [ "[${name}]" ] ++ concatMap (key: line key keys.${key}) (attrNames keys) ++ [ "" ];
in
{
  # unit -> { Unit, Service | Timer | Path, Install }, the shape of Home Manager's `systemd.user.<kind>.<name>`.
  sections =
    unit:
    withoutEmpty {
      Unit = withoutEmpty (
        {
          Description = unit.description or null;
          After = unit.after or [ ];
          Before = unit.before or [ ];
          Wants = unit.wants or [ ];
        }
        // unit.unitConfig or { }
      );
      Service = withoutEmpty (
        {
          # systemd unquotes a value as JSON quotes it.
          Environment = map (name: toJSON "${name}=${unit.environment.${name}}") (
            attrNames (unit.environment or { })
          );
          X-ReloadIfChanged = unit.reloadIfChanged or null;
          X-RestartIfChanged = unit.restartIfChanged or null;
        }
        // unit.serviceConfig or { }
      );
      Timer = unit.timerConfig or { };
      Path = unit.pathConfig or { };
      Install = withoutEmpty { WantedBy = unit.wantedBy or [ ]; };
    };

  # Sections -> the unit file's text.
  text =
    sections:
    let
      outer = [
        "Unit"
        "Install"
      ];
      inner = attrNames (removeAttrs sections outer);
      order = filter (name: sections ? ${name}) ([ "Unit" ] ++ inner ++ [ "Install" ]);
    in
    concatStringsSep "\n" (concatMap (name: section name sections.${name}) order);
}
