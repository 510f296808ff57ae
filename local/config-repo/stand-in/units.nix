# Unit files, and the links by which targets want them.
{ fleet }:

let
  inherit (builtins)
    attrNames
    concatMap
    listToAttrs
    ;

  suffixes = {
    services = "service";
    timers = "timer";
    paths = "path";
  };
in
# folder -> { services, timers, paths } -> name -> sections; gives { files, links } for a tree.
folder: units:
let
  named = concatMap (
    kind:
    map (name: {
      name = "${name}.${suffixes.${kind}}";
      sections = units.${kind}.${name};
    }) (attrNames units.${kind})
  ) (attrNames units);
in
{
  files = listToAttrs (
    map (unit: {
      name = "${folder}/${unit.name}";
      value = fleet.text unit.sections;
    }) named
  );

  links = listToAttrs (
    concatMap (
      unit:
      map (target: {
        name = "${folder}/${target}.wants/${unit.name}";
        value = "../${unit.name}";
      }) (unit.sections.Install.WantedBy or [ ])
    ) named
  );
}
