# The options that both modules have. `defaults` are those of `nix/lib` for the module.
{ lib, defaults }:

let
  inherit (lib) mkOption types;
  own = import ./types.nix { inherit lib; };

  healthCheck = types.submodule {
    options = {
      command = mkOption {
        type = types.nonEmptyStr;
        example = "systemctl is-active nginx.service";
        description = "A shell command. What it prints goes into the report when it fails.";
      };
      timeout = mkOption {
        type = types.ints.positive;
        default = 30;
        example = 120;
        description = "After how many seconds the check has failed.";
      };
    };
  };
in
{
  # service -> imports, for the names that options had before.
  renamed =
    service:
    map
      (
        { from, to }:
        lib.mkRenamedOptionModule
          [
            "services"
            service
            from
          ]
          [
            "services"
            service
            to
          ]
      )
      [
        {
          from = "schedule";
          to = "dates";
        }
        {
          from = "randomizedDelay";
          to = "randomizedDelaySec";
        }
      ];

  repository = mkOption {
    type = types.nullOr own.repository;
    default = defaults.repository;
    example = "https://git.example.org/infra/nixos-config.git";
  };

  branch = mkOption {
    type = types.nullOr own.branch;
    default = defaults.branch;
    example = "production";
    description = "The repository's branch to follow. `null`: as the instance's metadata says, else `main`.";
  };

  signers = mkOption {
    type = types.nullOr types.lines;
    default = defaults.signers;
    example = "infra@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…";
    description = ''
      Whose commits may be deployed: lines of an allowed signers file ({manpage}`ssh-keygen(1)`), armoured OpenPGP public
      keys, or both. Every commit between the deployed revision and the new one must then carry a good signature by one
      of them. `null`: as the instance's metadata says, else anyone's.
    '';
  };

  knownHosts = mkOption {
    type = types.nullOr types.lines;
    default = defaults.knownHosts;
    example = "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…";
    description = ''
      The host keys of the repository's server, as in {manpage}`ssh_known_hosts`; no other key is accepted then. `null`: as
      the instance's metadata says, else what the machine knows.
    '';
  };

  onBoot = mkOption {
    type = own.timeSpan;
    default = defaults.onBoot;
    example = "15min";
    description = ''
      How long after boot to update: a time span of {manpage}`systemd.time(7)`. After a switch that installs or
      changes the timer it counts from that switch.
    '';
  };

  dates = mkOption {
    type = types.nullOr own.calendarEvent;
    default = defaults.dates;
    example = "weekly";
    description = ''
      When else to update: a calendar event of {manpage}`systemd.time(7)`. `null`: at no other time.
    '';
  };

  randomizedDelaySec = mkOption {
    type = own.timeSpan;
    default = defaults.randomizedDelaySec;
    example = "15min";
    description = ''
      Over how long the machines of a fleet spread the runs of {option}`dates`. A machine's own delay is always
      the same.
    '';
  };

  healthChecks = mkOption {
    type = types.attrsOf healthCheck;
    default = defaults.healthChecks;
    example = lib.literalExpression "{ web = { command = \"curl --fail http://localhost/\"; timeout = 60; }; }";
    description = ''
      What must succeed after a switch. Where one of these checks fails, a unit fails that had not been failed before, or
      what could be reached before the switch cannot be reached any more, the former generation comes back and the
      revision is not tried again.
    '';
  };

  healthSettle = mkOption {
    type = types.ints.unsigned;
    default = defaults.healthSettle;
    example = 30;
    description = ''
      For how many seconds after a switch units are watched. One that fails meanwhile, or is restarted in a loop, rolls the update
      back. Longer than the usual `RestartSec=`, so that a service that ends again and again shows.
    '';
  };

  healthIgnoreUnits = mkOption {
    type = types.listOf types.nonEmptyStr;
    default = defaults.healthIgnoreUnits;
    example = [ "backup-*.service" ];
    description = ''
      Units whose failure does not roll an update back; `*` stands for anything. Jobs that a timer starts and that the update does
      not change, users' managers and sessions, and core dumps never do.
    '';
  };

  keepGenerations = mkOption {
    type = types.ints.between 2 1000;
    default = defaults.keepGenerations;
    example = 5;
    description = "How many generations of the profile an update leaves.";
  };

  minimumFree = mkOption {
    type = types.ints.unsigned;
    default = defaults.minimumFree;
    example = 4096;
    description = ''
      How many MiB must be free in the store before a build. Where there are less, garbage is collected; where that is not
      enough, nothing is built, the report says so, and it is tried again later. `0`: builds are tried in any case.
    '';
  };

  memoryHigh = mkOption {
    type = own.memorySize;
    default = defaults.memoryHigh;
    example = "2G";
    description = "How much memory an update may use before it is slowed down, to limit the impact on interactive users: as in `MemoryHigh=` of {manpage}`systemd.resource-control(5)`.";
  };

  metricsDirectory = mkOption {
    type = types.nullOr own.absolutePath;
    default = defaults.metricsDirectory;
    example = "/var/lib/prometheus-node-exporter";
    description = "Where node_exporter's textfile collector looks for metrics. `null`: none are written.";
  };

  notify = mkOption {
    type = types.nullOr types.nonEmptyStr;
    default = defaults.notify;
    example = "curl --data @- https://alerts.example.org/";
    description = ''
      A shell command for every failure, but not for a network that is away. It gets the report on its standard input, and
      NIXOS_AUTO_UPDATE_STAGE and NIXOS_AUTO_UPDATE_REVISION.
    '';
  };
}
