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
    attrValues
    concatStringsSep
    filter
    listToAttrs
    mapAttrs
    readFile
    toJSON
    ;

  given = evaluate {
    boot.kernelPackages.kernel.version = null;
    boot.kernelParams = null;
    environment.etc."*".text = null;
    networking.hostName = null;
    security.sudo.extraConfig = null;
    services.nixos-auto-update = fleet.defaults.system // {
      enable = null;
      # Any name is a check's.
      healthChecks = null;
    };
    system.activationScripts = null;
    system.preSwitchChecks = null;
    system.stateVersion = null;
    system.switch.inhibitors = null;
    system.systemBuilderCommands = null;
    system.userActivationScripts = null;
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
  agentSettings = {
    host = hostName;
  }
  // removeAttrs settings [ "enable" ];
  updateUnits = fleet.systemUnits (
    agentSettings
    // {
      command = "${agent}/bin/${fleet.contract.units.system}";
      metadataRules = {
        nft = "/usr/sbin/nft";
        rootOnly = builtins.toFile "root-only.nft" fleet.metadataRules.rootOnly;
        file = builtins.toFile "metadata.nft" (
          if agentSettings.protectMetadata or true then
            fleet.metadataRules.ruleset [
              "root"
              "nobody"
            ]
          else
            fleet.metadataRules.open
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

  # What NixOS gives every service. It moves with nixpkgs, so nearly every unit changes with the lock.
  nixpkgs = build.tree "nixpkgs-${version}" {
    links = {
      bin = "/usr/bin";
      sbin = "/usr/sbin";
      "share/zoneinfo" = "/usr/share/zoneinfo";
    };
  };
  withEnvironment =
    _: service:
    service
    // {
      environment = {
        PATH = "${nixpkgs}/bin:${nixpkgs}/sbin";
        LOCALE_ARCHIVE = "${nixpkgs}/lib/locale/locale-archive";
        TZDIR = "${nixpkgs}/share/zoneinfo";
      }
      // service.environment or { };
    };

  unitFiles = units "etc/systemd/system" {
    services = mapAttrs (_: fleet.sections) (
      mapAttrs withEnvironment (
        mapAttrs withScript (given.systemd.services or { })
        // (if updates then updateUnits.services else { })
      )
    );
    timers = mapAttrs (_: fleet.sections) (
      given.systemd.timers or { } // (if updates then updateUnits.timers else { })
    );
  };

  # nixos/modules/system/activation/activation-script.nix has each user run these, at login and at every switch.
  userActivation = build.script "user-activation" (
    concatStringsSep "\n" (attrValues (given.system.userActivationScripts or { }))
  );
  userUnits = units "etc/systemd/user" {
    services.nixos-activation = fleet.sections {
      description = "Run user-specific NixOS activation";
      wantedBy = [ "default.target" ];
      unitConfig.ConditionUser = "!@system";
      serviceConfig = {
        Type = "oneshot";
        ExecStart = "${userActivation}";
      };
    };
  };

  # nixos/modules/system/activation/pre-switch-check.nix, and what it has for the inhibitors: they keep a system from being switched to
  # live, not from being set for the next boot.
  inhibitors = given.system.switch.inhibitors or { };
  preSwitchChecks = {
    switchInhibitors = readFile ./switch/inhibitors.bash;
  }
  // given.system.preSwitchChecks or { };
  preSwitchCheck = name: ''
    if ! (
      ${preSwitchChecks.${name}}
    ) >&2; then
      echo "Pre-switch check '${name}' failed" >&2
      exit 1
    fi
  '';

  kernel = given.boot.kernelPackages.kernel.version or null;

  # As on NixOS these are links into the store: systems with the same kernel have the same files.
  linkKernel = ''
    ln -s ${builtins.toFile "kernel" kernel} kernel
    ln -s ${builtins.toFile "initrd" "the initrd of ${kernel}"} initrd
    ln -s ${builtins.toFile "kernel-modules" "the modules of ${kernel}"} kernel-modules
  '';

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
  # What a first boot on an image without an agent builds.
  config.services.nixos-auto-update.package = agent;

  config.system.build.toplevel =
    build.tree "nixos-system-${if hostName == null then "unnamed" else hostName}-${version}"
      {
        links = unitFiles.links // userUnits.links;

        files =
          unitFiles.files
          // userUnits.files
          // folder "etc" (attrNames (given.environment.etc or { })) (
            name: given.environment.etc.${name}.text
          )
          // folder "users" (attrNames users) (name: concatStringsSep "," (users.${name}.extraGroups or [ ]))
          // folder "authorized_keys" (filter (name: keys name != [ ]) (attrNames users)) (
            name: concatStringsSep "\n" (keys name) + "\n"
          )
          // {
            "etc/sudoers.d/nixos" = given.security.sudo.extraConfig or "";
            "etc/systemd/system/sysinit-reactivation.target" = "[Unit]\nDescription=Reactivate sysinit units\n";
            init-interface-version = "systemd 2";
            kernel-params = concatStringsSep " " (given.boot.kernelParams or [ ]);
            nixos-version = version;
            switch-inhibitors = toJSON inhibitors;
          }
          // folder "stand-in" [ "compare.bash" "plan.bash" "unit-file.bash" "users.bash" ] (
            name: readFile (./switch + "/${name}")
          )
          // (
            if updates then
              { ${builtins.substring 1 (-1) fleet.contract.paths.settings} = fleet.systemSettings agentSettings; }
            else
              { }
          );

        executables = {
          activate = readFile ./activate.sh;
          "bin/switch-to-configuration" = readFile ./switch/switch-to-configuration.sh;
          pre-switch-checks = "#!/bin/bash\n${concatStringsSep "\n" (map preSwitchCheck (attrNames preSwitchChecks))}";
          "sw/bin/nixos-version" = "#!/bin/sh\necho ${version}\n";
        }
        // folder "activation" (attrNames (given.system.activationScripts or { })) (
          name: "#!/bin/bash\nset -e\n${given.system.activationScripts.${name}}"
        );

        commands = ''
          ${if updates then "ln -s ${agent}/bin/* sw/bin/" else ""}
          ${if kernel == null then "" else linkKernel}
          ${given.system.systemBuilderCommands or ""}
        '';
      };
}
