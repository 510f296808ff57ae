# Both modules with every option set, unset and wrong. Answers { with, failures }: whose `lib` it was, and what is wrong.
# `nix-instantiate --eval --strict nix/tests/modules.nix --arg lib null` has a stub stand in for nixpkgs' lib; with
# `--arg lib 'import NIXPKGS/lib'` it is the real one.
{ lib }:

let
  inherit (builtins)
    all
    concatMap
    deepSeq
    filter
    tryEval
    ;

  evaluate = if lib == null then import ./stub-lib.nix else import ./real-lib.nix { inherit lib; };

  package = name: {
    type = "derivation";
    inherit name;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
  };

  pkgs = {
    git = package "git";
    nftables = package "nftables";
    writeText = name: _: package name;
    callPackage = _: args: package "agent-with-${args.git.name}";
    stdenv.hostPlatform.isLinux = true;
  };

  # What the modules read of the configuration around them; a case may change it.
  around = {
    system = {
      networking.hostName = "dev-alice";
      networking.proxy.envVars = { };
      networking.nftables.enable = false;
      security.googleOsLogin.enable = true;
      services.nscd = {
        enable = true;
        user = "nscd";
      };
      nix.envVars = { };
      nix.package = package "nix";
      system.autoUpgrade.enable = false;
    };
    home = {
      home.username = "alice";
      nix.package = null;
      services.home-manager.autoUpgrade.enable = false;
    };
  };

  modules = {
    system = ../modules/nixos-auto-update.nix;
    home = ../modules/nixos-hm-auto-update.nix;
  };

  paths = {
    system = "nixos-auto-update";
    home = "nixos-hm-auto-update";
  };

  run =
    { of, ... }@case:
    evaluate {
      module = modules.${of};
      name = paths.${of};
      settings = case.settings or { enable = true; };
      around = around.${of} // case.around or { };
      inherit pkgs;
    };

  service = config: config.systemd.services.nixos-auto-update;
  home = config: config.systemd.user.services.nixos-hm-auto-update;
  told = config: builtins.fromJSON config.environment.etc."nixos-auto-update/settings.json".text;
  homeTold = config: builtins.fromJSON config.xdg.configFile."nixos-hm-auto-update/settings.json".text;
  on = settings: { enable = true; } // settings;

  # `holds` is asked of the configuration that comes out.
  good = [
    {
      of = "system";
      name = "off";
      settings = { };
      holds = config: (config.systemd.services or { }) == { };
    }
    {
      of = "system";
      name = "on, nothing else set";
      holds =
        config:
        (service config).serviceConfig.ExecStart
        == "/nix/store/00000000000000000000000000000000-agent-with-git/bin/nixos-auto-update run"
        && (told config).host == "dev-alice"
        && !(told config ? branch)
        && (told config).keepGenerations == 10
        && !((service config) ? wantedBy)
        && config.systemd.timers.nixos-auto-update.timerConfig.OnActiveSec == "5min"
        && !(config.systemd.timers ? nixos-auto-update-schedule);
    }
    {
      of = "system";
      name = "an image without a host name";
      around.networking = {
        hostName = "";
        proxy.envVars = { };
        nftables.enable = false;
      };
      holds = config: !(told config ? host);
    }
    {
      of = "system";
      name = "the metadata server closed by rules of its own";
      holds =
        config:
        config.systemd.services.metadata-firewall.serviceConfig.ExecStart
        == "/nix/store/00000000000000000000000000000000-nftables/bin/nft --file /nix/store/00000000000000000000000000000000-metadata.nft"
        && (config.networking.nftables.tables or { }) == { };
    }
    {
      of = "system";
      name = "the metadata server closed by NixOS' nftables";
      around.networking = {
        hostName = "dev-alice";
        proxy.envVars = { };
        nftables.enable = true;
      };
      holds =
        config:
        !(config.systemd.services ? metadata-firewall)
        && config.networking.nftables.tables.nixos-fleet-metadata.content
        == (import ../lib).metadataRules.chain [
          "root"
          "nscd"
          "nobody"
        ];
    }
    {
      of = "system";
      name = "the metadata server open to all";
      settings = on { protectMetadata = false; };
      holds = config: !(config.systemd.services ? metadata-firewall);
    }
    {
      of = "system";
      name = "everything set";
      settings = on {
        gitPackage = package "gitMinimal";
        repository = "ssh://git@git.example.org/infra/config.git";
        branch = "release/2026";
        directory = "/srv/config";
        host = "web-1";
        follow = "approved";
        onBoot = "1h 30min";
        schedule = "Sat 04:00";
        randomizedDelay = "45min";
        watch = false;
        signers = "infra@example.org ssh-ed25519 AAAA";
        knownHosts = "git.example.org ssh-ed25519 AAAA";
        deployKeySecret = "projects/p/secrets/key";
        healthChecks.web = {
          command = "true";
          timeout = 5;
        };
        keepGenerations = 3;
        minimumFree = 0;
        memoryHigh = "2G";
        metricsDirectory = "/var/lib/node-exporter";
        notify = "cat";
        allowReboot = true;
        rebootWindow = {
          lower = "01:00";
          upper = "05:00";
        };
        rebootWithUsers = true;
        protectMetadata = false;
      };
      holds =
        config:
        (told config).repository == "ssh://git@git.example.org/infra/config.git"
        && (told config).follow == "approved"
        && (told config).healthChecks.web.command == "true"
        && (told config).rebootWindow.upper == "05:00"
        && !(told config ? onBoot)
        && config.systemd.timers ? nixos-auto-update-reboot
        && (service config).serviceConfig.MemoryHigh == "2G"
        &&
          (service config).serviceConfig.ExecStart
          == "/nix/store/00000000000000000000000000000000-agent-with-gitMinimal/bin/nixos-auto-update run"
        && config.systemd.timers.nixos-auto-update-schedule.timerConfig.RandomizedDelaySec == "45min"
        && !(config.systemd.services ? nixos-auto-update-watch);
    }
    {
      of = "home";
      name = "on, nothing else set";
      holds =
        config:
        (homeTold config).attribute == "alice"
        && (home config).Unit.X-SwitchMethod == "keep-old"
        && config.systemd.user.timers.nixos-hm-auto-update.Timer.OnActiveSec == "10min"
        && config.systemd.user.paths.nixos-hm-auto-update.Install.WantedBy == [ "paths.target" ];
    }
    {
      of = "home";
      name = "everything set";
      settings = on {
        gitPackage = package "gitMinimal";
        attribute = "alice@dev-alice";
        repository = "git@git.example.org:alice/home.git";
        branch = "main";
        onBoot = "30s";
        schedule = "weekly";
        randomizedDelay = "10min";
        directory = "/home/alice/config";
        healthChecks.shell.command = "true";
      };
      holds =
        config:
        config.systemd.user.timers.nixos-hm-auto-update-schedule.Timer.OnCalendar == "weekly"
        &&
          (home config).Service.ExecStart
          == "/nix/store/00000000000000000000000000000000-agent-with-gitMinimal/bin/nixos-hm-auto-update run";
    }
  ];

  # None of these may come out as a configuration.
  bad = concatMap (of: map (settings: { inherit of settings; }) wrong.${of}) [
    "system"
    "home"
  ];

  wrongInBoth = [
    (on { enable = "yes"; })
    (on { gitPackage = "git"; })
    (on { repository = "git.example.org/config"; })
    (on { repository = "file:///srv/config"; })
    (on { repository = "ext::sh -c id"; })
    (on { branch = ""; })
    (on { branch = "--upload-pack=id"; })
    (on { branch = "two words"; })
    (on { onBoot = 5; })
    (on { onBoot = null; })
    (on { onBoot = "soon"; })
    (on { schedule = ""; })
    (on { schedule = 7; })
    (on { randomizedDelay = "-1h"; })
    (on { branches = [ "main" ]; })
    (on { signers = [ "a" ]; })
    (on { knownHosts = 7; })
    (on { healthChecks.web = "true"; })
    (on { healthChecks.web.command = ""; })
    (on { healthChecks.web.timeout = 5; })
    (on {
      healthChecks.web = {
        command = "true";
        timeout = 0;
      };
    })
    (on { keepGenerations = 1; })
    (on { minimumFree = "1G"; })
    (on { memoryHigh = "much"; })
    (on { metricsDirectory = "metrics"; })
    (on { notify = ""; })
  ];

  wrong = {
    system = wrongInBoth ++ [
      (on { directory = "etc/nixos"; })
      (on { host = "dev alice"; })
      (on { host = "-x"; })
      (on { follow = "tags"; })
      (on { watch = "yes"; })
      (on { deployKeySecret = "key"; })
      (on { allowReboot = "yes"; })
      (on { rebootWindow.lower = "01:00"; })
      (on {
        rebootWindow = {
          lower = "1:00";
          upper = "05:00";
        };
      })
      (on { rebootWithUsers = 1; })
    ];
    home = wrongInBoth ++ [
      (on { attribute = ""; })
      (on { directory = "~/config"; })
    ];
  };

  # Each breaks exactly one assertion.
  asserted = [
    {
      of = "system";
      name = "beside system.autoUpgrade";
      around.system.autoUpgrade.enable = true;
    }
    {
      of = "home";
      name = "beside services.home-manager.autoUpgrade";
      around.services.home-manager.autoUpgrade.enable = true;
    }
  ];

  comesOut = case: (tryEval (deepSeq (run case) true)).success;
  keeps = config: all (each: each.assertion) (config.assertions or [ ]);
  isGood =
    case:
    (tryEval (
      let
        config = run case;
      in
      # The whole of it must come out; otherwise a bad case might be refused for what the surroundings lack.
      deepSeq config (keeps config && case.holds config)
    )) == {
      success = true;
      value = true;
    };
in
{
  "with" = if lib == null then "a stub lib (nixpkgs' own was not there)" else "nixpkgs' lib";
  cases = builtins.length (good ++ bad ++ asserted);
  failures =
    map (case: "${case.of}, ${case.name}: not what it should be") (filter (case: !isGood case) good)
    ++ map (case: "${case.of}: accepted ${builtins.toJSON case.settings}") (filter comesOut bad)
    ++ map (case: "${case.of}, ${case.name}: no assertion failed") (
      filter (case: keeps (run case)) asserted
    );
}
