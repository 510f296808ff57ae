# NixOS: the machine updates itself from its configuration repository.
# Import it from the flake (`nixosModules.nixos-auto-update`) or this file itself.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  cfg = config.services.nixos-auto-update;
  fleet = import ../lib;
  defaults = fleet.defaults.system;
  option = import ./options.nix { inherit lib defaults; };
  own = import ./types.nix { inherit lib; };
  settings = lib.getAttrs (lib.attrNames defaults) cfg;
  home = types.submodule {
    options = {
      user = mkOption {
        type = own.userName;
        example = "alice_example_com";
        description = "What this machine calls the person; OS Login makes it of their address.";
      };
      attribute = mkOption {
        type = types.nullOr types.nonEmptyStr;
        default = null;
        example = "alice";
        description = "Which of the repository's `homeConfigurations` the home is. `null`: the one with the user's name.";
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
          What the home's own repository asks for, as the machine's `deployKeySecret`. The machine fetches it and hands it over in a
          file that the home's user alone reads; the machine's `knownHosts` count for it, unless the home has its own. `null`: nothing.
        '';
      };
    };
  };
  inherit (config.networking) nftables;
  closedByNixos = cfg.protectMetadata && nftables.enable;
  metadataUsers = lib.unique (
    [ "root" ]
    ++ lib.optional config.services.nscd.enable config.services.nscd.user
    ++ lib.optional config.security.googleOsLogin.enable config.services.openssh.authorizedKeysCommandUser
  );
in
{
  _class = "nixos";

  imports = option.renamed "nixos-auto-update";

  options.services.nixos-auto-update = {
    enable = lib.mkEnableOption "updates of this machine from its configuration repository: after boot, on approval, and on schedule";

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../package.nix {
        git = cfg.gitPackage;
        nix = config.nix.package;
        nodejs-slim = cfg.nodePackage;
      };
      defaultText = lib.literalMD "the agent of this repository, with {option}`gitPackage`, {option}`nodePackage` and {option}`nix.package`";
      example = lib.literalExpression "inputs.nixos-fleet.packages.x86_64-linux.default";
      description = "The agent.";
    };

    gitPackage = lib.mkPackageOption pkgs "git" { example = [ "gitMinimal" ]; };

    nodePackage = lib.mkPackageOption pkgs "nodejs-slim" { example = [ "nodejs-slim_22" ]; } // {
      description = "The Node that runs the agent: 20 or newer.";
    };

    repository = option.repository // {
      description = ''
        URL of the configuration repository. The instance's metadata comes first; without either there is nothing to
        update from, and the agent says so.
      '';
    };

    subdirectory = mkOption {
      type = types.nullOr own.subdirectory;
      default = defaults.subdirectory;
      example = "infra/nixos";
      description = ''
        The folder of the configuration repository that the flake and its lock are in. The homes that this machine tells what to run
        are in the same flake, but for those with a repository of their own. `null`: as the instance's metadata says, else the top.
      '';
    };

    directory = mkOption {
      type = types.nullOr own.absolutePath;
      default = defaults.directory;
      example = "/etc/nixos";
      description = ''
        Where the clone for people lives. It is fast-forwarded when it is clean and left alone otherwise; nothing is
        ever built from it. `null`: as the instance's metadata says, else `/etc/nixos`.
      '';
    };

    host = mkOption {
      type = types.nullOr own.host;
      default = if config.networking.hostName == "" then null else config.networking.hostName;
      defaultText = lib.literalMD "{option}`networking.hostName`, or `null` where that is empty";
      example = "dev-alice";
      description = ''
        Which of the repository's `nixosConfigurations` this machine is. `null`: as the instance's metadata says.
        Images for Google Compute Engine leave `networking.hostName` empty.
      '';
    };

    follow = mkOption {
      type = types.nullOr (types.enum fleet.contract.follow);
      default = defaults.follow;
      example = "approved";
      description = ''
        What a run brings the machine to: `branch`, the branch's head, or `approved`, what the fleet's rollout has
        approved for it and nothing else. `null`: as the instance's metadata says, else `branch`.
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
        The homes that this machine tells what to run, and starts the first time. `null`: as the instance's metadata says,
        else none.
      '';
    };

    inherit (option)
      branch
      signers
      knownHosts
      onBoot
      dates
      randomizedDelaySec
      healthChecks
      healthIgnoreUnits
      healthSettle
      keepGenerations
      minimumFree
      memoryHigh
      metricsDirectory
      notify
      ;

    deployKeySecret = mkOption {
      type = types.nullOr own.secret;
      default = defaults.deployKeySecret;
      example = "projects/my-project/secrets/config-deploy-key";
      description = ''
        The secret of Secret Manager that holds what the repository asks for: an SSH private key where its URL is an ssh one, a
        token, or `USER:TOKEN`, where it is https. The machine's service account reads the latest version, which is kept in a file
        of root's that does not survive a reboot and is fetched again when the repository refuses it. Other URLs would carry it in clear,
        and are not shown it. `null`: as the instance's metadata says, else none.
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
        What the private inputs of the flake ask for: secrets as {option}`deployKeySecret`, by host or by the start of a URL; of several the
        longest counts. An SSH private key is shown by SSH, a token by https and for inputs such as `github:acme/lib`. Nix gets them for the
        machine's evaluation alone; homes of the same repository then find these inputs in the store. The repository's own key or token
        also counts for its host. `null`: as the instance's metadata says, else none.
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
        How an update is activated: `live`, at once, as `nixos-rebuild switch` does, with a report when it also needs a reboot; or
        `boot`, by the next boot. A system whose pre-switch checks fail is set for the next boot in either case.
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
        When timers, approvals and reboots may change this machine: weekdays as in {manpage}`systemd.time(7)`, from and to, and a time
        zone. Without weekdays a range is for every day, without a zone in the machine's own; it may go over midnight, and its
        weekdays are those on which it begins. Outside of it an update is fetched and built, and the report says that it waits. A run
        that someone starts on the machine does not wait, and neither does an urgent approval. An empty list: always.
      '';
    };

    windowDeadline = mkOption {
      type = types.nullOr types.ints.positive;
      default = defaults.windowDeadline;
      example = 172800;
      description = "After how many seconds an update no longer waits for {option}`window`. `null`: it always does.";
    };

    healthAfterReboot = mkOption {
      type = types.listOf own.unitName;
      default = defaults.healthAfterReboot;
      example = [
        "systemd-modules-load.service"
        "zfs-*.service"
      ];
      description = ''
        Units that can only work with the new kernel: while an update needs a reboot they do not count against it. After the reboot they
        do. `*` stands for any text.
      '';
    };

    allowReboot = mkOption {
      type = types.bool;
      default = defaults.allowReboot;
      example = true;
      description = ''
        Whether to reboot when an update needs it. Otherwise the report and the login message say so. A wave with `reboot: required`
        allows it too, and the very first update of a machine may always reboot once.
      '';
    };

    rebootDeadline = mkOption {
      type = types.nullOr types.ints.positive;
      default = defaults.rebootDeadline;
      example = 86400;
      description = ''
        After how many seconds a reboot no longer waits for people who are logged in; they get 15 minutes' notice. `null`: it always
        waits for them, unless {option}`rebootWithUsers` is on.
      '';
    };

    rebootWindow = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            lower = mkOption {
              type = own.timeOfDay;
              example = "01:00";
              description = "From when on to reboot.";
            };
            upper = mkOption {
              type = own.timeOfDay;
              example = "05:00";
              description = "Until when to reboot.";
            };
          };
        }
      );
      default = defaults.rebootWindow;
      example = {
        lower = "01:00";
        upper = "05:00";
      };
      description = "The time of day to reboot in, in the machine's time zone; it may go over midnight. A reboot waits for {option}`window` as well. `null`: any.";
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
        Whether to wait for approvals in the metadata of the Google Cloud project, so that a rollout reaches a running
        machine at once. It costs one open request.
      '';
    };

    protectMetadata = mkOption {
      type = types.bool;
      default = defaults.protectMetadata;
      example = false;
      description = ''
        Whether only root, and what login needs, reach Google's metadata server. Otherwise everybody on the machine can take its
        service account's token and publish reports in its name. Name and time service by the same address stay open to all.
      '';
    };
  };

  config = lib.mkIf cfg.enable (
    let
      units = fleet.systemUnits (
        settings
        // {
          command = "${cfg.package}/bin/${fleet.contract.units.system}";
          # Where NixOS loads tables by itself it flushes all others.
          metadataRules =
            if nftables.enable then
              null
            else
              {
                nft = "${pkgs.nftables}/bin/nft";
                rootOnly = pkgs.writeText "root-only.nft" fleet.metadataRules.rootOnly;
                file = pkgs.writeText "metadata.nft" (
                  if cfg.protectMetadata then
                    fleet.metadataRules.ruleset metadataUsers
                  else
                    fleet.metadataRules.open
                );
              };
        }
      );
    in
    {
      assertions = import ./system-assertions.nix { inherit config lib; };

      environment.systemPackages = [ cfg.package ];
      # What the agents have to say to those who log in; the files are empty where that is nothing.
      environment.loginShellInit = ''
        case $- in
          *i*)
            for file in /run/motd.d/${fleet.contract.units.system} \
              "''${XDG_STATE_HOME:-$HOME/.local/state}/${fleet.contract.paths.homeState}/login-message"; do
              if [ -s "$file" ]; then cat "$file"; fi
            done
            unset file
            ;;
        esac
      '';
      environment.etc.${lib.removePrefix "/etc/" fleet.contract.paths.settings}.text =
        fleet.systemSettings settings;

      systemd.services =
        lib.mapAttrs (
          _: unit:
          unit
          // {
            environment = config.nix.envVars // config.networking.proxy.envVars // (unit.environment or { });
          }
        ) units.services
        // lib.optionalAttrs closedByNixos { nftables = { inherit (fleet.metadataRules) after; }; };
      systemd.timers = units.timers;

      networking.nftables = lib.mkIf closedByNixos {
        tables.${fleet.metadataRules.table} = {
          family = "inet";
          content = fleet.metadataRules.chain metadataUsers;
        };
        preCheckRuleset = fleet.metadataRules.preCheck metadataUsers;
      };
    }
  );
}
