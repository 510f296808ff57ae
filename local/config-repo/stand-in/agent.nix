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
      ''
        #!/bin/sh
        export ${path}
        unset NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS
        [ "''${1-}" != watch ] || exec /bin/sh ${files}/watch.sh "$0"
        exec node ${files}/agent.cjs ${name} "$@"
      ''
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
