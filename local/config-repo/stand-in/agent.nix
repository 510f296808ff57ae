# Both agents as commands, as the project's nix/package.nix makes them with nixpkgs.
{ build, nixos-fleet }:

let
  contract = builtins.fromJSON (builtins.readFile (nixos-fleet + "/contract.json"));

  files = build.tree "nixos-fleet-agent-${contract.agent}" {
    commands = "cp ${nixos-fleet + "/agent"}/* .";
  };

  command =
    name:
    import (nixos-fleet + "/nix/lib/command.nix") {
      inherit name;
      shell = "/bin/sh";
      node = "node";
      bundle = files;
      path = ''PATH="''${PATH:+$PATH:}/run/current-system/sw/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"'';
    };

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
