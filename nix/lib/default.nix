# The pure part of the modules: settings in, systemd units out. It needs nothing but `builtins`, so NixOS, Home Manager
# and machines that have neither get the same units from the same functions.
let
  contract = builtins.fromJSON (builtins.readFile ../../contract.json);
  defaults = import ./defaults.nix;
  metadataRules = import ./metadata-rules.nix;
  units = import ./units.nix;
in
{
  inherit contract defaults metadataRules;

  # What people see at login while the profile's home disk is not mounted; the file is there only then.
  homeGuardMessage = "/run/motd.d/home-guard";

  # { command, …settings } -> { services, timers } for the system manager, in the shape of NixOS' `systemd.<kind>.<name>`.
  # `command` is the agent's path; every setting is optional and named as in `defaults.system`.
  systemUnits =
    settings:
    import ./system.nix {
      inherit contract metadataRules units;
      hardening = import ./hardening.nix;
    } ({ metadataRules = null; } // defaults.system // settings);

  # The same for a user's manager: { services, timers, paths }.
  homeUnits = settings: import ./home.nix { inherit contract units; } (defaults.home // settings);

  # The same -> the text of the agent's settings file: /etc/… and ~/.config/… of `contract.paths`.
  systemSettings = settings: import ./settings.nix (defaults.system // settings);
  homeSettings = settings: import ./settings.nix (defaults.home // settings);

  inherit (import ./unit-file.nix) sections text;
}
