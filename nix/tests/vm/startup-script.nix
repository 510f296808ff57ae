# What the Pulumi program gives a VM of this stack as its startup script, and the item of the project's metadata that this loads.
{ fleet, stack }:

let
  inherit ((builtins.fromJSON (builtins.readFile ../../../contract.json)).projectMetadata)
    separator
    startup
    ;
  key = builtins.concatStringsSep separator [
    startup
    fleet
    stack
  ];
  script = builtins.readFile ../../../infra/startup.sh;
in
{
  items.${key} = script;
  loader =
    builtins.replaceStrings [ "@item@" "@sha256@" ] [ key (builtins.hashString "sha256" script) ]
      (builtins.readFile ../../../infra/startup-loader.sh);
}
