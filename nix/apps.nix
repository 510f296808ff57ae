# `nix run .#fleet -- status` and the like: the commands of `scripts/`, in the clone that one is in, with their tools on PATH.
pkgs:

let
  inherit (pkgs) lib;

  command =
    name: description:
    let
      program = pkgs.writeShellApplication {
        inherit name;
        runtimeInputs = import ./tools.nix pkgs;
        text = ''
          root=$(git rev-parse --show-toplevel)
          [ -x "$root/scripts/${name}" ] || {
            echo "${name}: $root is no clone of nixos-fleet; run it inside one" >&2
            exit 2
          }
          "$root/scripts/setup"
          exec "$root/scripts/${name}" "$@"
        '';
      };
    in
    {
      type = "app";
      program = lib.getExe program;
      meta = { inherit description; };
    };
in
lib.mapAttrs command {
  fleet = "Look at and steer a running fleet";
  docs = "Regenerate docs/modules.md from the modules' options";
}
// lib.optionalAttrs pkgs.stdenv.hostPlatform.isLinux (
  lib.mapAttrs command { local = "The whole of it on this machine, without Google Cloud"; }
)
