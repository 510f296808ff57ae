# Both agents as commands, as the project's nix/package.nix makes them with nixpkgs.
{ build, nixos-fleet }:

let
  contract = builtins.fromJSON (builtins.readFile (nixos-fleet + "/contract.json"));
  isNode = builtins.pathExists (nixos-fleet + "/agent/agent.cjs");

  files = build.tree "nixos-fleet-agent-${contract.agent}" {
    commands =
      if isNode then
        "cp ${nixos-fleet + "/agent"}/* ."
      else
        ''
          cp -r ${nixos-fleet + "/nix/agent"}/* .
          cp ${nixos-fleet + "/contract.json"} contract.json
        '';
  };

  path = ''PATH="''${PATH:+$PATH:}/run/current-system/sw/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"'';

  command =
    name:
    if isNode then
      import (nixos-fleet + "/nix/lib/command.nix") {
        inherit name path;
        shell = "/bin/sh";
        node = "node";
        bundle = files;
      }
    else
      ''
        #!/bin/sh
        export NIXOS_FLEET_AGENT=${files}
        export ${path}
        exec bash ${files}/${name}.bash "$@"
      '';

  names = [
    contract.units.system
    contract.units.home
  ];
in
build.tree "nixos-auto-update-${contract.agent}" {
  executables = builtins.listToAttrs (
    map (name: {
      name = "bin/${name}";
      value = command name;
    }) names
  );
}
