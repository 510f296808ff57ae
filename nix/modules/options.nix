# The options that both modules have, in the same words.
{ lib }:

let
  inherit (lib) mkOption types;

  # systemd.time(7), as far as a pattern can tell; systemd itself judges the rest.
  timeSpan = types.strMatching "[0-9][0-9. a-z]*" // {
    description = "time span, such as \"5min\" or \"1h 30min\"";
  };
in
{
  repository = mkOption {
    type = types.nullOr (
      types.strMatching "(https?|ssh|git)://.+|[^/:@]+@[^/:]+:.+"
      // {
        description = "URL of a git repository (https, http, ssh or git)";
      }
    );
    default = null;
    example = "https://git.example.org/infra/nixos-config.git";
  };

  branch = mkOption {
    type = types.nullOr (
      types.strMatching "[^ ~^:?*\\[-][^ ~^:?*\\[]*"
      // {
        description = "name of a git branch";
      }
    );
    default = null;
    example = "production";
    description = "The repository's branch to follow. `null`: as the instance's metadata says, else `main`.";
  };

  onBoot =
    default:
    mkOption {
      type = timeSpan;
      inherit default;
      example = "15min";
      description = ''
        How long after boot to update: a time span of {manpage}`systemd.time(7)`. After a switch that installs or
        changes the timer it counts from that switch.
      '';
    };

  schedule = mkOption {
    type = types.nullOr types.nonEmptyStr;
    default = null;
    example = "weekly";
    description = ''
      When else to update: a calendar event of {manpage}`systemd.time(7)`. `null`: at no other time.
    '';
  };

  randomizedDelay =
    default:
    mkOption {
      type = timeSpan;
      inherit default;
      example = "15min";
      description = ''
        Over how long the machines of a fleet spread the runs of {option}`schedule`. A machine's own delay is always
        the same.
      '';
    };
}
