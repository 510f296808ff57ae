# The options of services.nixos-auto-update.
{
  config,
  lib,
  pkgs,
}:

let
  inherit (lib) mkOption types;

  cfg = config.services.nixos-auto-update;
  fleet = import ../lib;
  defaults = fleet.defaults.system;
  option = import ./common-options.nix { inherit lib pkgs defaults; };
  own = import ./types.nix { inherit lib; };

  home = types.submodule {
    options = {
      user = mkOption {
        type = own.userName;
        example = "alice_example_com";
        description = "The login name of the person. OS Login derives it from their address.";
      };
      attribute = mkOption {
        type = types.nullOr types.nonEmptyStr;
        default = null;
        example = "alice";
        description = "The attribute of the repository's `homeConfigurations`. `null`: the user's name.";
      };
      repository = option.repository // {
        description = "URL of the home's own repository. `null`: the machine's.";
      };
      branch = option.branch // {
        description = "The branch of the home's own repository. `null`: `main`.";
      };
      deployKeySecret = mkOption {
        type = types.nullOr own.secret;
        default = null;
        example = "projects/my-project/secrets/alice-home";
        description = ''
          The secret for the home's own repository, like the machine's `deployKeySecret`. The machine fetches it into a file that only
          the home's user can read. The machine's `knownHosts` apply to it, unless the home has its own. `null`: none.
        '';
      };
    };
  };
in
option
// {
  enable = lib.mkEnableOption "updates of this machine from its configuration repository: after boot, on approval, and on schedule";

  package = option.package // {
    default = pkgs.callPackage ../package.nix {
      git = cfg.gitPackage;
      nix = config.nix.package;
      nodejs-slim = cfg.nodePackage;
    };
  };

  repository = option.repository // {
    description = ''
      URL of the configuration repository. The instance's metadata takes precedence. Without either, the agent reports that it
      has no source to update from.
    '';
  };

  subdirectory = mkOption {
    type = types.nullOr own.subdirectory;
    default = defaults.subdirectory;
    example = "infra/nixos";
    description = ''
      The folder of the configuration repository with the flake and its lock. Homes without a repository of their own are in the
      same flake. `null`: the folder in the instance's metadata, or the top of the repository.
    '';
  };

  directory = mkOption {
    type = types.nullOr own.absolutePath;
    default = defaults.directory;
    example = "/etc/nixos";
    description = ''
      The path of a clone for people to read. The agent fast-forwards it if it is clean, otherwise leaves it alone, and never
      builds from it. `null`: the path in the instance's metadata, or `/etc/nixos`.
    '';
  };

  host = mkOption {
    type = types.nullOr own.host;
    default = if config.networking.hostName == "" then null else config.networking.hostName;
    defaultText = lib.literalMD "{option}`networking.hostName`, or `null` where that is empty";
    example = "dev-alice";
    description = ''
      The attribute of the repository's `nixosConfigurations` for this machine. `null`: the host in the instance's metadata.
      Images for Google Compute Engine leave `networking.hostName` empty.
    '';
  };

  follow = mkOption {
    type = types.nullOr (types.enum fleet.contract.follow);
    default = defaults.follow;
    example = "approved";
    description = ''
      The revision that a run updates to: `branch`, the branch's head, or `approved`, only what the fleet's rollout has approved.
      `null`: the value in the instance's metadata, or `branch`.
    '';
  };

  homes = mkOption {
    type = types.nullOr (types.listOf home);
    default = defaults.homes;
    example = [
      { user = "alice"; }
      {
        user = "bob_example_com";
        attribute = "bob";
      }
    ];
    description = ''
      The homes on this machine. The machine publishes the revision for each and starts its first update. `null`: the homes in the
      instance's metadata, or none.
    '';
  };

  deployKeySecret = mkOption {
    type = types.nullOr own.secret;
    default = defaults.deployKeySecret;
    example = "projects/my-project/secrets/config-deploy-key";
    description = ''
      The secret in Secret Manager for the repository: an SSH private key for a URL of SSH, or a token or `USER:TOKEN` for one of
      HTTPS. It should be read-only: root can read it. The machine's service account reads the latest version into a file that only root can read and that does not survive a
      reboot, and reads it again when the repository refuses it. The agent never sends it to other URLs, which are not encrypted.
      `null`: the secret in the instance's metadata, or none.
    '';
  };

  deployKeys = mkOption {
    type = types.nullOr (types.attrsOf own.secret);
    default = defaults.deployKeys;
    example = {
      "github.com/acme" = "projects/my-project/secrets/github-token";
      "ssh://git@git.example.org/libs" = "projects/my-project/secrets/libs-deploy-key";
    };
    description = ''
      Secrets for private inputs of the flake, like {option}`deployKeySecret`, by host or by the start of a URL; the longest match
      counts. An SSH private key is for inputs by SSH, a token for inputs by HTTPS and for inputs such as `github:acme/lib`. Nix gets them
      only while it evaluates the system; homes of the same repository then find these inputs in the store. The repository's own key or
      token also applies to its host. `null`: the secrets in the instance's metadata, or none.
    '';
  };

  activation = mkOption {
    type = types.enum [
      "live"
      "boot"
    ];
    default = defaults.activation;
    example = "boot";
    description = ''
      How to activate an update: `live`, at once, as `nixos-rebuild switch` does, and the report says if it also needs a reboot; or
      `boot`, at the next boot. A system whose pre-switch checks fail is set for the next boot in both cases.
    '';
  };

  window = mkOption {
    type = types.listOf own.window;
    default = defaults.window;
    example = [
      "Mon..Fri 22:00-05:00"
      "Sat,Sun 00:00-24:00 Europe/Berlin"
    ];
    description = ''
      When timers, approvals and reboots may change this machine: ranges of weekdays as in {manpage}`systemd.time(7)`, start and end,
      and time zone. Without weekdays a range applies to every day, and without a zone the machine's zone applies. A range may end after
      midnight; its weekdays are those of its start. Outside of these ranges the agent fetches and builds an update, and reports that it
      waits. A run that someone starts on the machine does not wait, nor does an urgent approval. An empty list: always. If one range
      cannot be read, for instance because its time zone does not exist, an update to this configuration fails at `verify`; on a machine
      that runs it already, the window is closed.
    '';
  };

  windowDeadline = mkOption {
    type = types.nullOr (own.duration types.ints.positive);
    default = defaults.windowDeadline;
    example = "2d";
    description = ''
      The time, or the number of seconds, after which the machine no longer waits for {option}`window` with its updates. It counts from
      the first update that had to wait; a newer one does not extend it. `null`: no limit.
    '';
  };

  healthAfterReboot = mkOption {
    type = types.listOf own.unitName;
    default = defaults.healthAfterReboot;
    example = [
      "systemd-modules-load.service"
      "zfs-*.service"
    ];
    description = ''
      Units that only work with the new kernel. While an update needs a reboot, their failure does not roll it back; after the reboot
      it does. `*` matches any text.
    '';
  };

  allowReboot = mkOption {
    type = types.bool;
    default = defaults.allowReboot;
    example = true;
    description = ''
      Whether to reboot when an update needs it. Otherwise the report and the login message say that it does. A wave with
      `reboot: required` allows reboots too, and the first update of a machine may always reboot once.
    '';
  };

  rebootDeadline = mkOption {
    type = types.nullOr (own.duration types.ints.positive);
    default = defaults.rebootDeadline;
    example = "4h";
    description = ''
      The time since a reboot became required, or the number of seconds, after which it no longer waits for people who are logged in;
      they get 15 minutes' notice. Later updates do not extend it. `null`: no limit, unless {option}`rebootWithUsers` is on.
    '';
  };

  rebootWindow = mkOption {
    type = types.nullOr (
      types.submodule {
        options = {
          lower = mkOption {
            type = own.timeOfDay;
            example = "01:00";
            description = "Start of the range.";
          };
          upper = mkOption {
            type = own.timeOfDay;
            example = "05:00";
            description = "End of the range.";
          };
        };
      }
    );
    default = defaults.rebootWindow;
    example = {
      lower = "01:00";
      upper = "05:00";
    };
    description = "The time of day for reboots, in the machine's time zone; it may end after midnight. A reboot also waits for {option}`window`. `null`: any time.";
  };

  rebootWithUsers = mkOption {
    type = types.bool;
    default = defaults.rebootWithUsers;
    example = true;
    description = "Whether to reboot while someone is logged in.";
  };

  watch = mkOption {
    type = types.bool;
    default = defaults.watch;
    example = false;
    description = ''
      Whether to watch the metadata of the Google Cloud project for approvals, so that a rollout reaches a running machine at
      once. This keeps one request open.
    '';
  };

  protectMetadata = mkOption {
    type = types.bool;
    default = defaults.protectMetadata;
    example = false;
    description = ''
      Whether only root and the services that login needs can reach Google's metadata server. Otherwise every user of the machine
      can take the token of its service account and publish reports in its name. DNS and NTP at the same address stay open to all.
    '';
  };

  metadataUsers = mkOption {
    type = types.listOf own.userName;
    default = [ ];
    example = [ "vector" ];
    description = ''
      Users besides those that `protectMetadata` lets reach Google's metadata server, such as those of services that use the machine's
      service account. Each must be in `users.users`, so not of a unit with `DynamicUser`. What runs as one of them can take the token
      of the service account and publish reports in the machine's name.
    '';
  };
}
