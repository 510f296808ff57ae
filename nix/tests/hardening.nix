# Every setting of nix/lib/hardening.nix, by the kind of unit.
builtins.mapAttrs (
  _: settings:
  if builtins.isFunction settings then settings { stateDirectory = "state"; } else settings
) (import ../lib/hardening.nix)
