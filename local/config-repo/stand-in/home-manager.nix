# Home Manager's `homeManagerConfiguration`: modules -> activationPackage, a home that its user activates.
{
  agent,
  build,
  evaluate,
  fleet,
  units,
}:
{ modules }:

let
  inherit (builtins)
    attrNames
    listToAttrs
    mapAttrs
    readFile
    ;

  given = evaluate {
    home.activation = null;
    home.file."*".text = null;
    home.homeDirectory = null;
    home.stateVersion = null;
    home.username = null;
    services.nixos-hm-auto-update = fleet.defaults.home // {
      enable = null;
      # Any name is a check's.
      healthChecks = null;
    };
    systemd.user.paths = null;
    systemd.user.services = null;
    systemd.user.timers = null;
    xdg.configFile."*".text = null;
  } modules;

  settings = given.services.nixos-hm-auto-update or { };
  updates = settings.enable or false;
  agentSettings = {
    attribute = given.home.username;
  }
  // removeAttrs settings [ "enable" ];
  updateUnits =
    kind:
    if updates then
      mapAttrs (_: fleet.sections)
        (fleet.homeUnits (agentSettings // { command = "${agent}/bin/${fleet.contract.units.home}"; }))
        .${kind}
    else
      { };

  unitFiles = units ".config/systemd/user" (
    listToAttrs (
      map
        (kind: {
          name = kind;
          value = given.systemd.user.${kind} or { } // updateUnits kind;
        })
        [
          "services"
          "timers"
          "paths"
        ]
    )
  );

  under =
    path: files:
    listToAttrs (
      map (name: {
        name = "${path}${name}";
        value = files.${name}.text;
      }) (attrNames files)
    );

  files = build.tree "home-manager-files" {
    inherit (unitFiles) links;
    files =
      unitFiles.files
      // under "" (given.home.file or { })
      // under ".config/" (given.xdg.configFile or { })
      // (
        if updates then
          { ".config/${fleet.contract.paths.homeSettings}" = fleet.homeSettings agentSettings; }
        else
          { }
      );
  };
in
{
  activationPackage = build.tree "home-manager-generation" {
    links = {
      home-files = "${files}";
    }
    // (if updates then { home-path = "${agent}"; } else { });

    files = {
      # The format of this generation, for the program that activates it.
      gen-version = "1\n";
      "stand-in/unit-file.bash" = readFile ./switch/unit-file.bash;
      user = given.home.username;
    };

    executables = {
      activate = readFile ./home-activate.sh;
    }
    // listToAttrs (
      map (name: {
        name = "activation/${name}";
        value = "#!/bin/bash\nset -e\n${given.home.activation.${name}}";
      }) (attrNames (given.home.activation or { }))
    );
  };
}
