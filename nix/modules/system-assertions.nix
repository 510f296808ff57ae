# Requirements of a machine that updates itself, beyond what the options' types check. Each message says what to do.
{ config, lib }:

let
  inherit (builtins)
    any
    attrNames
    concatMap
    elem
    filter
    ;

  cfg = config.services.nixos-auto-update;
  users = config.users.users;
  homes = if cfg.homes == null then [ ] else cfg.homes;
  # Homes that Home Manager's NixOS module manages.
  ownHomes = config.home-manager.users or { };
  inherit (config.nix.settings) allowed-users trusted-users;

  # Images for Google Compute Engine run its guest agent (nixos/modules/virtualisation/google-compute-config.nix).
  onGoogle = config.systemd.services ? google-guest-agent;

  isAdministrator = user: elem "wheel" (user.extraGroups or [ ]);
  isEverybody = name: name == "*" || name == "@users";
  isDeveloper = name: users ? ${name} && users.${name}.isNormalUser && !isAdministrator users.${name};
  trusted = filter (
    name: isEverybody name || isDeveloper name || any (home: home.user == name) homes
  ) trusted-users;

  unknownMetadataUsers = filter (name: !(users ? ${name})) cfg.metadataUsers;

  emptyRange =
    range:
    let
      time = "([0-9]?)([0-9]:[0-9]{2})";
      times = builtins.match "(.* )?${time}-${time}.*" range;
      # 5:00 is 05:00.
      hour = index: if builtins.elemAt times index == "" then "0" else builtins.elemAt times index;
    in
    hour 1 == hour 3 && builtins.elemAt times 2 == builtins.elemAt times 4;
  emptyRanges = filter emptyRange cfg.window;

  own = import ./types.nix { inherit lib; };
  places = if cfg.deployKeys == null then [ ] else attrNames cfg.deployKeys;
  badPlaces = filter (place: builtins.match own.keyPlace place == null) places;

  # The state is on the file system with the longest mount point above it, unless a module keeps the folder elsewhere: impermanence and
  # preservation list such folders as texts or by their `directory`.
  state = (import ../lib).contract.paths.state;
  covers = folder: folder == "/" || state == folder || lib.hasPrefix "${folder}/" state;
  mounts = map (name: {
    folder = config.fileSystems.${name}.mountPoint or name;
    fsType = config.fileSystems.${name}.fsType or "";
  }) (attrNames (config.fileSystems or { }));
  longest =
    best: mount:
    if builtins.stringLength mount.folder > builtins.stringLength best.folder then mount else best;
  stateMount = builtins.foldl' longest {
    folder = "";
    fsType = "";
  } (filter (mount: covers mount.folder) mounts);
  persistence =
    builtins.attrValues (config.environment.persistence or { })
    ++ builtins.attrValues (config.preservation.preserveAt or { });
  isPersistent = any (
    place:
    any (entry: covers (if builtins.isString entry then entry else entry.directory)) (
      place.directories or [ ]
    )
  ) persistence;

  upgrading = filter (user: ownHomes.${user}.services.home-manager.autoUpgrade.enable or false) (
    attrNames ownHomes
  );

  homeAssertions = home: [
    {
      # linger-users.service of nixos/modules/config/users-groups.nix; `false` was the default before stateVersion 25.11.
      assertion = users.${home.user}.linger or null != false;
      message = "services.nixos-auto-update.homes: users.users.${home.user}.linger is false, so every boot ends the lingering that this home's updates need: set it to null or true.";
    }
    {
      assertion = !(ownHomes ? ${home.user});
      message = "services.nixos-auto-update.homes: home-manager.users.${home.user} makes this home part of the machine, which brings it up itself: take ${home.user} out of one of the two.";
    }
    {
      assertion = any (name: name == home.user || name == "*" || lib.hasPrefix "@" name) allowed-users;
      message = "services.nixos-auto-update.homes: nix.settings.allowed-users does not let ${home.user} build the home: add \"${home.user}\" or \"*\".";
    }
  ];
in
[
  {
    assertion = !config.system.autoUpgrade.enable;
    message = "services.nixos-auto-update and system.autoUpgrade would both switch this machine: set system.autoUpgrade.enable = false.";
  }
  {
    assertion = upgrading == [ ];
    message = "services.nixos-auto-update brings up the home of ${toString upgrading} with the machine, and services.home-manager.autoUpgrade would switch away from it: set that to false in home-manager.users.";
  }
  {
    assertion = !(config.services.comin.enable or false);
    message = "services.nixos-auto-update and services.comin would both switch this machine: set services.comin.enable = false.";
  }
  {
    assertion = cfg.repository != null || onGoogle;
    message = "services.nixos-auto-update.repository is not set. For a VM of the fleet import nixosModules.dev-vm: its guest agent, OS Login and boot loader keep the VM reachable, and its metadata names the repository. For any other machine set the URL of the configuration repository.";
  }
  {
    assertion = cfg.host != null || onGoogle;
    message = "services.nixos-auto-update.host is not set and networking.hostName is empty: set one of them to this machine's name among the repository's nixosConfigurations.";
  }
  {
    assertion = cfg.follow != "approved" || onGoogle;
    message = "services.nixos-auto-update.follow is \"approved\", but this machine belongs to no fleet that could approve anything: approvals are in the metadata of a Google Cloud project. Set it to \"branch\", or build the machine on virtualisation/google-compute-image.nix.";
  }
  {
    assertion = cfg.rebootWindow == null || cfg.rebootWindow.lower != cfg.rebootWindow.upper;
    message = "services.nixos-auto-update.rebootWindow is empty: set upper to another time than lower, or rebootWindow to null for any time.";
  }
  {
    # Without it every boot forgets what failed, which update is on trial and what an operator holds.
    assertion =
      !elem stateMount.fsType [
        "tmpfs"
        "ramfs"
      ]
      || isPersistent;
    message = "services.nixos-auto-update keeps its state in ${state}, and every boot wipes ${stateMount.folder} (${stateMount.fsType}): add ${state} to environment.persistence, or a file system of its own to fileSystems.";
  }
  {
    assertion = emptyRanges == [ ];
    message = "services.nixos-auto-update.window: \"${toString emptyRanges}\" ends where it begins: a whole day is 00:00-24:00.";
  }
  {
    assertion = badPlaces == [ ];
    message = "services.nixos-auto-update.deployKeys: \"${toString badPlaces}\" must be HOST, HOST/PATH, https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH.";
  }
  {
    assertion = cfg.rebootDeadline == null || !cfg.rebootWithUsers;
    message = "services.nixos-auto-update.rebootDeadline is of no use with rebootWithUsers, which does not wait for people at all: set one of them alone.";
  }
  {
    assertion = !cfg.protectMetadata || trusted == [ ];
    message = "services.nixos-auto-update.protectMetadata is of no use while nix.settings.trusted-users has ${toString trusted}, since a trusted user can become root: take them out (allowed-users is enough to install things), or set protectMetadata to false.";
  }
  {
    # nft looks each one up when it loads the rules, and loads none of them if one is not there.
    assertion = unknownMetadataUsers == [ ];
    message = "services.nixos-auto-update.metadataUsers: ${toString unknownMetadataUsers} must be in users.users; a unit with DynamicUser = true needs a user of its own there.";
  }
]
++ concatMap homeAssertions homes
