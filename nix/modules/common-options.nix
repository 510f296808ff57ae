# The options that both modules have. `defaults` are those of `nix/lib` for the module, which itself adds `package.default` and
# `repository.description`.
{
  lib,
  pkgs,
  defaults,
}:

let
  inherit (lib) mkOption types;
  own = import ./types.nix { inherit lib; };

  healthCheck = types.submodule {
    options = {
      command = mkOption {
        type = types.nonEmptyStr;
        example = "systemctl is-active nginx.service";
        description = "A shell command. If it fails, its output goes into the report.";
      };
      timeout = mkOption {
        type = own.duration types.ints.positive;
        default = 30;
        example = "2min";
        description = "The time, or the number of seconds, after which the check counts as failed.";
      };
    };
  };
in
{
  package = mkOption {
    type = types.package;
    defaultText = lib.literalMD "the agent of this repository, with {option}`gitPackage`, {option}`nodePackage` and {option}`nix.package`";
    example = lib.literalExpression "inputs.nixos-fleet.packages.x86_64-linux.default";
    description = "The agent.";
  };

  gitPackage = lib.mkPackageOption pkgs "git" { example = [ "gitMinimal" ]; };

  nodePackage = lib.mkPackageOption pkgs "nodejs-slim" { example = [ "nodejs-slim_22" ]; } // {
    description = "The Node that runs the agent: 20 or newer.";
  };

  repository = mkOption {
    type = types.nullOr own.repository;
    default = defaults.repository;
    example = "https://git.example.org/infra/nixos-config.git";
  };

  branch = mkOption {
    type = types.nullOr own.branch;
    default = defaults.branch;
    example = "production";
    description = "The branch of the repository to follow. `null`: the branch in the instance's metadata, or `main`.";
  };

  signers = mkOption {
    type = types.nullOr types.lines;
    default = defaults.signers;
    example = "infra@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…";
    description = ''
      The signers whose commits may be deployed: lines of an allowed signers file ({manpage}`ssh-keygen(1)`), armoured OpenPGP
      public keys, or both. Every commit between the deployed revision and the new one must then have a valid signature of one
      of them. `null`: the signers in the instance's metadata; without those, signatures are not checked.
    '';
  };

  knownHosts = mkOption {
    type = types.nullOr types.lines;
    default = defaults.knownHosts;
    example = "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…";
    description = ''
      The host keys of the repository's server, in the known hosts format of {manpage}`sshd(8)`. The agent accepts no other key.
      `null`: the host keys in the instance's metadata, or those that the machine knows.
    '';
  };

  onBoot = mkOption {
    type = own.timeSpan;
    default = defaults.onBoot;
    example = "15min";
    description = ''
      The delay of the first update after boot: a time span of {manpage}`systemd.time(7)`. If a switch installs or changes
      the timer, the delay starts at that switch.
    '';
  };

  dates = mkOption {
    type = types.nullOr own.calendarEvent;
    default = defaults.dates;
    example = "weekly";
    description = ''
      Further times to update, a calendar event of {manpage}`systemd.time(7)`. `null`: none.
    '';
  };

  randomizedDelaySec = mkOption {
    type = own.timeSpan;
    default = defaults.randomizedDelaySec;
    example = "15min";
    description = ''
      The period over which the machines of a fleet spread the runs of {option}`dates`. The delay of one machine is always
      the same.
    '';
  };

  healthChecks = mkOption {
    type = types.attrsOf healthCheck;
    default = defaults.healthChecks;
    example = lib.literalExpression "{ web = { command = \"curl --fail http://localhost/\"; timeout = 60; }; }";
    description = ''
      Checks that must succeed after a switch. The agent rolls back to the former generation, and refuses the revision from then
      on, if one of these checks fails, if a unit fails that had not failed before, or if a server that answered before the
      switch no longer answers.
    '';
  };

  healthSettle = mkOption {
    type = own.duration types.ints.unsigned;
    default = defaults.healthSettle;
    example = "30s";
    description = ''
      The time, or the number of seconds, for which the agent watches units after a switch. A unit that fails or restarts in a loop
      during this time rolls the update back. The default is longer than the usual `RestartSec=`, so that a service
      that ends again and again is noticed.
    '';
  };

  healthIgnoreUnits = mkOption {
    type = types.listOf types.nonEmptyStr;
    default = defaults.healthIgnoreUnits;
    example = [ "backup-*.service" ];
    description = ''
      Units whose failure does not roll an update back; `*` matches any text. These never do: jobs that a timer starts and that the
      update does not change, users' managers and sessions, homes that Home Manager's NixOS module activates, and core dumps.
    '';
  };

  keepGenerations = mkOption {
    type = types.ints.between 2 1000;
    default = defaults.keepGenerations;
    example = 5;
    description = "The number of generations of the profile that an update keeps.";
  };

  minimumFree = mkOption {
    type = types.ints.unsigned;
    default = defaults.minimumFree;
    example = 4096;
    description = ''
      The space in MiB that must be free in the store before a build. With less space the agent collects garbage. If that is not
      enough, it builds nothing, reports that, and retries later. `0`: no check.
    '';
  };

  memoryHigh = mkOption {
    type = own.memorySize;
    default = defaults.memoryHigh;
    example = "2G";
    description = "The memory above which an update is slowed down, to limit the impact on interactive users; the format of `MemoryHigh=` in {manpage}`systemd.resource-control(5)`.";
  };

  metricsDirectory = mkOption {
    type = types.nullOr own.absolutePath;
    default = defaults.metricsDirectory;
    example = "/var/lib/prometheus-node-exporter";
    description = "The directory of node_exporter's textfile collector. `null`: the agent writes no metrics.";
  };

  notify = mkOption {
    type = types.nullOr types.nonEmptyStr;
    default = defaults.notify;
    example = "curl --data @- https://alerts.example.org/";
    description = ''
      A shell command that runs after every failure, except when the network is unreachable. It gets the report on standard
      input, and the variables NIXOS_AUTO_UPDATE_STAGE and NIXOS_AUTO_UPDATE_REVISION.
    '';
  };
}
