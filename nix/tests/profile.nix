# The profile of a developer's VM: what comes out of it, and what it refuses. Answers { with, cases, failures } as modules.nix does,
# and with `set` which options it sets.
{ lib }:

let
  inherit (builtins)
    deepSeq
    elem
    filter
    tryEval
    ;

  evaluate =
    if lib == null then import ./stub/profile.nix else import ./real/profile.nix { inherit lib; };

  inherit (import ./packages.nix) package pkgsWith;
  pkgs = pkgsWith [
    "coreutils"
    "curl"
    "diffutils"
    "e2fsprogs"
    "systemd"
    "util-linux"
  ];

  # As systemd names the check of the disk's file system, which the mount waits for.
  fsck = "systemd-fsck@dev-disk-by\\x2did-google\\x2dhome.service";

  sudo = enable: {
    inherit enable;
    execWheelOnly = false;
  };

  # What NixOS would say around it.
  around = {
    networking = {
      proxy.envVars = { };
      nftables.enable = false;
    };
    nix = {
      envVars = { };
      package = package "nix";
      settings.trusted-users = [ "root" ];
    };
    security = {
      googleOsLogin.enable = true;
      sudo = sudo true;
      sudo-rs = sudo false;
      pam.package = package "linux-pam";
      pam.services.sshd.rules.account.oslogin_login.order = 10600;
    };
    services.nscd = {
      enable = true;
      user = "nscd";
    };
    services.openssh = {
      enable = true;
      package = package "openssh";
      authorizedKeysCommandUser = "nobody";
      hostKeys = [
        { path = "/etc/ssh/ssh_host_rsa_key"; }
        { path = "/etc/ssh/ssh_host_ed25519_key"; }
      ];
    };
    services.nixos-auto-update.enable = true;
    system.autoUpgrade.enable = false;
    users.users.root.isNormalUser = false;
  };

  run =
    case:
    evaluate {
      settings = case.settings or { };
      around = around // {
        security = around.security // case.security or { };
        users = around.users // case.users or { };
      };
      inherit pkgs;
    };

  key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG pulumi";
  hasPart = part: text: builtins.match "(.|\n)*${part}(.|\n)*" text != null;
  wheelOnly = sudo true // {
    execWheelOnly = true;
  };
  localUsers = config: config.security.pam.services.sshd.rules.account.local_users;
  rule = config: builtins.head config.security.sudo.extraRules;

  # It decides once the mount has failed, before anything else writes to /home.
  guards =
    unit:
    unit.serviceConfig.ExecStart
    == "/nix/store/00000000000000000000000000000000-home-guard/bin/home-guard /home /run/motd.d/home-guard"
    &&
      unit.unitConfig == {
        DefaultDependencies = false;
        ConditionPathIsMountPoint = "!/home";
      }
    && unit.after == [ "home.mount" ]
    && elem "sysinit.target" unit.before
    && elem "systemd-tmpfiles-setup.service" unit.before
    && unit.wantedBy == [ "sysinit.target" ];

  # Sizes in MiB, of a machine of 26.05: the kernel and initrd of each generation, one more while the boot loader is installed, GRUB's own
  # files, and what FAT takes for itself.
  fitsEsp = limit: (limit + 1) * (13.6 + 31.6) + 12 < 256 * 0.95;

  good = [
    {
      name = "as it is";
      holds =
        config:
        config.users.mutableUsers == false
        && config.users.allowNoPasswordLogin
        && config.boot.loader.timeout == 3
        && config.boot.loader.grub.configurationLimit == 3
        && fitsEsp config.boot.loader.grub.configurationLimit
        && config.boot.loader.systemd-boot.configurationLimit == 3
        && config.virtualisation.googleComputeImage.efi
        && config.services.openssh.settings.PermitRootLogin == "no"
        &&
          localUsers config == {
            order = 10599;
            control = "[success=1 default=ignore]";
            modulePath = "/nix/store/00000000000000000000000000000000-linux-pam/lib/security/pam_localuser.so";
          }
        &&
          config.networking.dhcpcd.allowInterfaces == [
            "eth*"
            "en*"
          ]
        &&
          config.systemd.services.publish-host-keys.serviceConfig.ExecStart
          == "/nix/store/00000000000000000000000000000000-publish-host-keys/bin/publish-host-keys /etc/ssh/ssh_host_rsa_key.pub /etc/ssh/ssh_host_ed25519_key.pub"
        &&
          config.systemd.services.publish-host-keys.wants == [
            "network-online.target"
            "sshd-keygen.service"
          ]
        && config.zramSwap.enable
        && config.nix.daemonCPUSchedPolicy == "idle"
        && config.nix.settings.min-free < config.nix.settings.max-free
        && config.systemd.tmpfiles.settings.nixos-fleet."/nix/var/nix/db".z.mode == "0700"
        && config.services.logind.settings.Login.InhibitDelayMaxSec == "60s"
        && config.systemd.services.nixos-auto-update-resume.wantedBy == [ "suspend.target" ]
        &&
          builtins.match ".*/rm -f /run/nixos-auto-update/boot-served" config.systemd.services.nixos-auto-update-resume.serviceConfig.ExecStartPre
          != null
        && config.system.switch.inhibitors.nixos-fleet-home == "the boot disk"
        && (config.fileSystems or { }) == { }
        && !(config.system ? preSwitchChecks)
        && !((config.users.users or { }) ? fleet-trigger);
    }
    {
      name = "with homes on a disk of their own";
      settings.homeDisk.enable = true;
      holds =
        config:
        config.fileSystems."/home".device == "/dev/disk/by-id/google-home"
        && elem "x-systemd.requires=home-disk.service" config.fileSystems."/home".options
        &&
          config.systemd.services.home-disk.serviceConfig.ExecStart
          == "/nix/store/00000000000000000000000000000000-home-disk/bin/home-disk /dev/disk/by-id/google-home /home"
        && elem fsck config.systemd.services.home-disk.before
        && elem fsck config.systemd.services.home-disk.requiredBy
        && guards config.systemd.services.home-guard
        && config.system.switch.inhibitors.nixos-fleet-home == "the disk that is attached as `home`"
        && hasPart "boot\\)(.|\n)*! -e /dev/disk/by-id/google-home" config.system.preSwitchChecks.nixos-fleet-home
        && hasPart "/nix/store/00000000000000000000000000000000-util-linux/bin/mountpoint --quiet /home" config.system.preSwitchChecks.nixos-fleet-home
        && hasPart "findmnt --source home-guard --mountpoint /home" config.system.preSwitchChecks.nixos-fleet-home;
    }
    {
      name = "with a trigger's key";
      settings.trigger.keys = [ key ];
      holds =
        config:
        config.users.users.fleet-trigger.openssh.authorizedKeys.keys
        == [ ''restrict,command="/nix/store/00000000000000000000000000000000-fleet-trigger" ${key}'' ]
        && !(config.users.users.fleet-trigger ? extraGroups)
        && (rule config).users == [ "fleet-trigger" ]
        &&
          map (each: each.command) (rule config).commands
          == [ "/nix/store/00000000000000000000000000000000-fleet-trigger-as-root" ]
        && config.security.sudo-rs.extraRules == config.security.sudo.extraRules;
    }
    {
      name = "with a trigger's key and sudo-rs";
      settings.trigger.keys = [ key ];
      security = {
        sudo = sudo false;
        sudo-rs = sudo true;
      };
      holds = config: (builtins.head config.security.sudo-rs.extraRules).users == [ "fleet-trigger" ];
    }
    {
      name = "with a sudo for wheel, and someone in that";
      security.sudo = wheelOnly;
      users.groups.wheel.members = [ "admin" ];
      holds = _: true;
    }
    {
      name = "with another name for the trigger's account";
      settings.trigger = {
        keys = [ key ];
        user = "updater";
      };
      holds =
        config:
        config.users.users ? updater
        && config.users.groups ? updater
        && (rule config).users == [ "updater" ];
    }
  ];

  asserted = [
    {
      name = "a trigger's key without sudo";
      settings.trigger.keys = [ key ];
      security.sudo = sudo false;
      says = "set security.sudo.enable or security.sudo-rs.enable";
    }
    {
      name = "a trigger's key with a sudo for wheel";
      settings.trigger.keys = [ key ];
      security.sudo = wheelOnly;
      users.groups.wheel.members = [ "admin" ];
      says = "fleet-trigger can run(.*)set security.sudo.execWheelOnly";
    }
    {
      name = "OS Login with a sudo for wheel";
      security.sudo = wheelOnly;
      says = "administrators of OS Login(.*)set security.sudo.execWheelOnly";
    }
    {
      name = "OS Login with a sudo-rs for wheel";
      security = {
        sudo = sudo false;
        sudo-rs = wheelOnly;
      };
      says = "administrators of OS Login(.*)set security.sudo-rs.execWheelOnly";
    }
  ];

  bad = [
    { trigger.keys = key; }
    { trigger.keys = [ "restrict ssh-ed25519 AAAA" ]; }
    { trigger.keys = [ "ssh-ed25519 AAAA\nssh-ed25519 BBBB" ]; }
    {
      trigger = {
        keys = [ key ];
        user = "root;id";
      };
    }
    { trigger.key = key; }
    { homeDisk.enable = "yes"; }
    { homeDisk.label = "home"; }
  ];

  ofRelease =
    release:
    (tryEval (
      import ../modules/dev-vm.nix {
        lib = (if lib == null then import ./stub/lib.nix else lib) // {
          trivial = { inherit release; };
        };
        modulesPath = "";
      }
    )).success;
  releases = ofRelease "26.05" && ofRelease "26.11" && !ofRelease "25.11";

  # What nixpkgs sets plainly (priority 100) the profile replaces, and a host may replace that with mkForce (50).
  yields = value: value._type or null == "override" && value.priority > 50 && value.priority < 100;
  inherit (bootProfile.boot) loader;
  bootProfile = import ../modules/dev-vm/boot.nix {
    lib = (if lib == null then import ./stub/lib.nix else lib) // {
      mkForce = mkOverride 50;
      inherit mkOverride;
    };
  };
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };
  hostsDecide = yields loader.timeout && yields loader.grub.configurationLimit;

  # Two modules that set an option by mkDefault to two values do not evaluate together. srvos, for one, does so with Nix' settings.
  noDefaults =
    (tryEval (
      deepSeq (removeAttrs (import ./stub/profile.nix {
        inherit around pkgs;
        settings = {
          homeDisk.enable = true;
          trigger.keys = [ key ];
        };
        lib = import ./stub/lib.nix // {
          mkDefault = _: throw "mkDefault";
        };
      }) [ "assertions" ]) true
    )).success;

  # The image's own module needs no other; its file's stem must be a name that Compute takes.
  image = import ../image.nix { revision = "0123abc"; } {
    lib = if lib == null then import ./stub/lib.nix else lib;
    config = {
      system.nixos = {
        version = "26.05.20260714.8eeec93";
        release = "26.05";
      };
    };
  };
  imageIsGood =
    image.image.baseName == "nixos-fleet-26-05-20260714-8eeec93-0123abc"
    && builtins.match "[a-z]([-a-z0-9]{0,61}[a-z0-9])?" image.image.baseName != null
    && image.virtualisation.diskSize == 1024 * (image.virtualisation.diskSize / 1024);

  broken = config: filter (each: !each.assertion) (config.assertions or [ ]);
  whole = config: removeAttrs config [ "assertions" ];
  isGood =
    case:
    (tryEval (
      let
        config = run case;
      in
      deepSeq (whole config) (broken config == [ ] && case.holds config)
    )) == {
      success = true;
      value = true;
    };
  isAsserted =
    case:
    let
      messages = map (each: each.message) (broken (run case));
    in
    builtins.length messages == 1 && builtins.all (hasPart case.says) messages;

  # The path of each option that the profile sets, with its own options switched on.
  paths =
    path: value:
    if builtins.isAttrs value && value != { } && value.type or null != "derivation" then
      builtins.concatMap (name: paths (path ++ [ name ]) value.${name}) (builtins.attrNames value)
    else
      [ path ];
  set = paths [ ] (
    removeAttrs (import ./stub/profile.nix {
      settings = {
        homeDisk.enable = true;
        trigger.keys = [ key ];
      };
      inherit around pkgs;
    }) [ "assertions" ]
  );

  comesOut =
    settings:
    (tryEval (
      deepSeq (whole (run {
        inherit settings;
      })) true
    )).success;
in
{
  "with" = if lib == null then "a stub lib (nixpkgs' own was not there)" else "nixpkgs' lib";
  inherit set;
  cases = 4 + builtins.length (good ++ asserted ++ bad);
  failures =
    map (case: "${case.name}: not what it should be") (filter (case: !isGood case) good)
    ++ (if imageIsGood then [ ] else [ "the image: not what it should be" ])
    ++ (if hostsDecide then [ ] else [ "the boot loader: a host cannot change it" ])
    ++ (if noDefaults then [ ] else [ "the profile: sets something by mkDefault" ])
    ++ (if releases then [ ] else [ "NixOS' releases: not those that it should take" ])
    ++ map (case: "${case.name}: no assertion of its own failed") (
      filter (case: !isAsserted case) asserted
    )
    ++ map (settings: "accepted ${builtins.toJSON settings}") (filter comesOut bad);
}
