# nixpkgs' `nixosSystem`: modules -> config.system.build.toplevel, a system that a machine of the local cloud switches to.
{
  agent,
  build,
  evaluate,
  fleet,
  units,
  version,
}:
{ modules }:

let
  inherit (builtins)
    attrNames
    concatStringsSep
    filter
    listToAttrs
    mapAttrs
    readFile
    ;

  given = evaluate {
    environment.etc."*".text = null;
    networking.hostName = null;
    security.sudo.extraConfig = null;
    services.nixos-auto-update = fleet.defaults.system // {
      enable = null;
      # Any name is a check's.
      healthChecks = null;
    };
    system.activationScripts = null;
    system.stateVersion = null;
    system.systemBuilderCommands = null;
    systemd.services = null;
    systemd.timers = null;
    users.users."*" = {
      extraGroups = null;
      isNormalUser = null;
      openssh.authorizedKeys.keys = null;
    };
  } modules;

  hostName = given.networking.hostName or null;
  users = given.users.users or { };
  keys = name: users.${name}.openssh.authorizedKeys.keys or [ ];

  settings = given.services.nixos-auto-update or { };
  updates = settings.enable or false;
  told = {
    host = hostName;
  }
  // removeAttrs settings [ "enable" ];
  updateUnits = fleet.systemUnits (
    told
    // {
      command = "${agent}/bin/${fleet.contract.units.system}";
      metadataRules = {
        nft = "/usr/sbin/nft";
        file = builtins.toFile "metadata.nft" (
          fleet.metadataRules.ruleset [
            "root"
            "nobody"
          ]
        );
      };
    }
  );

  # NixOS' `script` becomes a file that the service runs.
  runScript =
    name:
    { script, ... }@service:
    removeAttrs service [ "script" ]
    // {
      serviceConfig = service.serviceConfig or { } // {
        ExecStart = "${build.script "unit-script-${name}" script}";
      };
    };
  withScript = name: service: if service ? script then runScript name service else service;

  unitFiles = units "etc/systemd/system" {
    services = mapAttrs (_: fleet.sections) (
      mapAttrs withScript (given.systemd.services or { })
      // (if updates then updateUnits.services else { })
    );
    timers = mapAttrs (_: fleet.sections) (
      given.systemd.timers or { } // (if updates then updateUnits.timers else { })
    );
  };

  # A folder of files, one a name.
  folder =
    path: names: text:
    listToAttrs (
      map (name: {
        name = "${path}/${name}";
        value = text name;
      }) names
    );
in
{
  config.system.build.toplevel =
    build.tree "nixos-system-${if hostName == null then "unnamed" else hostName}-${version}"
      {
        inherit (unitFiles) links;

        files =
          unitFiles.files
          // folder "etc" (attrNames (given.environment.etc or { })) (
            name: given.environment.etc.${name}.text
          )
          // folder "users" (attrNames users) (name: concatStringsSep "," (users.${name}.extraGroups or [ ]))
          // folder "authorized_keys" (filter (name: keys name != [ ]) (attrNames users)) (
            name: concatStringsSep "\n" (keys name) + "\n"
          )
          // {
            "etc/sudoers.d/nixos" = given.security.sudo.extraConfig or "";
            nixos-version = version;
          }
          // (
            if updates then
              { ${builtins.substring 1 (-1) fleet.contract.paths.settings} = fleet.systemSettings told; }
            else
              { }
          );

        executables = {
          activate = readFile ./activate.sh;
          "bin/switch-to-configuration" = readFile ./switch-to-configuration.sh;
          "sw/bin/nixos-version" = "#!/bin/sh\necho ${version}\n";
        }
        // folder "activation" (attrNames (given.system.activationScripts or { })) (
          name: "#!/bin/bash\nset -e\n${given.system.activationScripts.${name}}"
        );

        commands = ''
          ${if updates then "ln -s ${agent}/bin/* sw/bin/" else ""}
          ${given.system.systemBuilderCommands or ""}
        '';
      };
}
