# The NixOS module's cases: see modules.nix for what is done with them.
{ package, writeText }:

let
  inherit (builtins)
    fromJSON
    length
    match
    replaceStrings
    ;

  service = config: config.systemd.services.nixos-auto-update;
  settings = config: fromJSON config.environment.etc."nixos-auto-update/settings.json".text;

  # What the agent cannot do without where no metadata says it.
  named.repository = "https://git.example.org/infra/config.git";

  # A developer and an administrator of the machine.
  people.users.users = {
    alice.isNormalUser = true;
    carol = {
      isNormalUser = true;
      extraGroups = [ "wheel" ];
    };
  };
  elsewhere.systemd.services = { };
  trusting = who: {
    nix.settings = {
      allowed-users = [ "*" ];
      trusted-users = who;
    };
  };
in
{
  # What the module reads of the configuration around it: an image for Google Compute Engine.
  around = {
    networking = {
      hostName = "dev-alice";
      proxy.envVars = { };
      nftables.enable = false;
    };
    security.googleOsLogin.enable = true;
    services.nscd = {
      enable = true;
      user = "nscd";
    };
    services.openssh.authorizedKeysCommandUser = "nobody";
    nix = {
      envVars = { };
      package = package "nix";
      settings = {
        allowed-users = [ "*" ];
        trusted-users = [ "root" ];
      };
    };
    system.autoUpgrade.enable = false;
    systemd.services.google-guest-agent = { };
    users.users = { };
  };

  good = [
    {
      name = "off";
      settings = { };
      holds = config: !((config.systemd.services or { }) ? nixos-auto-update);
    }
    {
      name = "on, nothing else set";
      holds =
        config:
        (service config).serviceConfig.ExecStart
        == "/nix/store/00000000000000000000000000000000-agent-with-git-on-nodejs-slim/bin/nixos-auto-update run"
        && (settings config).host == "dev-alice"
        && !(settings config ? branch)
        && !(settings config ? homes)
        && (settings config).keepGenerations == 10
        && !((service config) ? wantedBy)
        && config.systemd.timers.nixos-auto-update.timerConfig.OnActiveSec == "5min"
        && !(config.systemd.timers ? nixos-auto-update-schedule);
    }
    {
      name = "the login message, in the language of each shell";
      holds =
        config:
        let
          inherit (config.programs) bash fish zsh;
          reads =
            text: shell: match ".*${text}.*" (replaceStrings [ "\n" ] [ " " ] shell.loginShellInit) != null;
        in
        !((config.environment or { }) ? loginShellInit)
        && bash == zsh
        && reads "case [$]- in .*/run/motd.d/home-guard /run/motd.d/nixos-auto-update .*/login-message" bash
        && reads "if status is-interactive .*/run/motd.d/home-guard /run/motd.d/nixos-auto-update .*/login-message" fish
        && !(reads "esac" fish);
    }
    {
      name = "as the original module's users have it";
      settings.gitPackage = package "gitMinimal";
      holds =
        config:
        (service config).serviceConfig.ExecStart
        == "/nix/store/00000000000000000000000000000000-agent-with-gitMinimal-on-nodejs-slim/bin/nixos-auto-update run"
        && length config.environment.systemPackages == 1;
    }
    {
      name = "a root that is wiped at boot, and the state is kept";
      around = {
        fileSystems."/".fsType = "tmpfs";
        environment.persistence."/persist".directories = [
          "/var/log"
          { directory = "/var/lib/nixos-auto-update"; }
        ];
      };
      holds = config: true;
    }
    {
      name = "a root that is wiped at boot, and a file system for variable data";
      around.fileSystems = {
        "/".fsType = "tmpfs";
        data = {
          mountPoint = "/var/lib";
          fsType = "ext4";
        };
      };
      holds = config: true;
    }
    {
      name = "a package of one's own";
      settings.package = package "agent";
      holds =
        config:
        (service config).serviceConfig.ExecStart
        == "/nix/store/00000000000000000000000000000000-agent/bin/nixos-auto-update run";
    }
    {
      name = "an image without a host name";
      around.networking.hostName = "";
      holds = config: !(settings config ? host);
    }
    {
      name = "a machine elsewhere";
      settings = named;
      around = elsewhere;
      holds = config: (settings config).repository == named.repository;
    }
    {
      name = "a home that is part of the machine";
      around.home-manager.users.alice = { };
      holds = config: config.systemd.services ? nixos-auto-update;
    }
    {
      name = "administrators trusted";
      around =
        people
        // trusting [
          "root"
          "@wheel"
          "carol"
        ];
      holds = config: config.systemd.services ? nixos-auto-update;
    }
    {
      name = "homes, of a user that Nix knows and of one that OS Login makes";
      settings.homes = [
        { user = "alice"; }
        {
          user = "bob_example_com";
          attribute = "bob";
        }
      ];
      around = people;
      holds =
        config:
        (settings config).homes == [
          { user = "alice"; }
          {
            attribute = "bob";
            user = "bob_example_com";
          }
        ];
    }
    {
      name = "with the names that options had before";
      settings = {
        schedule = "weekly";
        randomizedDelay = "10min";
      };
      holds =
        config:
        config.systemd.timers.nixos-auto-update-schedule.timerConfig.OnCalendar == "weekly"
        && config.systemd.timers.nixos-auto-update-schedule.timerConfig.RandomizedDelaySec == "10min";
    }
    {
      name = "times as text, which the agent reads as numbers";
      settings = {
        healthChecks.web = {
          command = "true";
          timeout = "90s";
        };
        healthSettle = "1min";
        windowDeadline = "1w 2 days";
        rebootDeadline = "1h30min";
      };
      holds =
        config:
        (settings config).healthChecks.web.timeout == 90
        && (settings config).healthSettle == 60
        && (settings config).windowDeadline == 9 * 86400
        && (settings config).rebootDeadline == 5400;
    }
    {
      name = "everything set";
      settings = {
        gitPackage = package "gitMinimal";
        nodePackage = package "nodejs-slim_22";
        subdirectory = "infra/nixos";
        repository = "ssh://git@git.example.org/infra/config.git";
        branch = "release/2026";
        directory = "/srv/config";
        host = "web-1";
        follow = "approved";
        homes = [
          {
            user = "alice";
            attribute = "alice@web-1";
            repository = "git@git.example.org:alice/home.git";
            branch = "main";
            deployKeySecret = "projects/p/secrets/alice";
          }
        ];
        onBoot = "1h 30min";
        dates = "Sat 04:00";
        randomizedDelaySec = "45min";
        watch = false;
        signers = "infra@example.org ssh-ed25519 AAAA";
        knownHosts = "git.example.org ssh-ed25519 AAAA";
        deployKeySecret = "projects/p/secrets/key";
        deployKeys = {
          "github.com/acme" = "projects/p/secrets/github";
          "git@git.example.org:libs" = "projects/p/secrets/libs";
        };
        healthChecks.web = {
          command = "true";
          timeout = 5;
        };
        healthSettle = 30;
        healthIgnoreUnits = [ "backup-*.service" ];
        keepGenerations = 3;
        minimumFree = 0;
        memoryHigh = "2G";
        metricsDirectory = "/var/lib/node-exporter";
        notify = "cat";
        activation = "boot";
        window = [
          "Mon..Fri 22:00-05:00"
          "sat,Sunday 00:00-24:00 Europe/Berlin"
        ];
        windowDeadline = null;
        healthAfterReboot = [ "zfs-*.service" ];
        rebootDeadline = null;
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
        (settings config).repository == "ssh://git@git.example.org/infra/config.git"
        && (settings config).follow == "approved"
        && (builtins.head (settings config).homes).deployKeySecret == "projects/p/secrets/alice"
        && (settings config).deployKeys."github.com/acme" == "projects/p/secrets/github"
        && (settings config).healthChecks.web.command == "true"
        && (settings config).healthSettle == 30
        && (settings config).healthIgnoreUnits == [ "backup-*.service" ]
        && (settings config).rebootWindow.upper == "05:00"
        && (settings config).activation == "boot"
        && builtins.head (settings config).window == "Mon..Fri 22:00-05:00"
        && !(settings config ? windowDeadline)
        && !(settings config ? dates)
        && !(settings config ? onBoot)
        && config.systemd.timers ? nixos-auto-update-reboot
        && (service config).serviceConfig.MemoryHigh == "2G"
        && config.systemd.timers.nixos-auto-update-schedule.timerConfig.RandomizedDelaySec == "45min"
        && !(config.systemd.services ? nixos-auto-update-watch);
    }
  ]
  ++ import ./system-metadata.nix { inherit trusting writeText; };

  inherit
    (import ./system-refused.nix {
      inherit
        named
        people
        elsewhere
        trusting
        ;
    })
    bad
    asserted
    ;
}
