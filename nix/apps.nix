# `nix run .#fleet -- status` and the like: the commands of `scripts/` with their tools on PATH. In a clone of this repository its own
# are run. Anywhere else `fleet` is this flake's: it is made ready once, in the user's cache, since npm's lock file names no server to fetch from.
pkgs:

{
  # This flake's files.
  source ? ../.,
}:

let
  inherit (pkgs) lib;

  inClone = name: ''
    root=$(git rev-parse --show-toplevel 2>/dev/null) || root=
    if [ -f "$root/contract.json" ] && [ -x "$root/scripts/${name}" ]; then
      "$root/scripts/setup"
      exec "$root/scripts/${name}" "$@"
    fi
  '';

  anywhere = ''
    copies=''${XDG_CACHE_HOME:-$HOME/.cache}/nixos-fleet/tool
    copy=$copies/${builtins.substring 0 32 (baseNameOf "${source}")}
    if [ ! -e "$copy" ]; then
      mkdir -p "$copies"
      making=$(mktemp -d "$copies/making.XXXXXX")
      trap 'rm -rf "$making"' EXIT
      cp -R ${source}/. "$making"
      chmod -R u+w "$making"
      "$making/scripts/setup" node
      (cd "$making" && npm run --silent build)
      # Another one may have been quicker.
      [ -e "$copy" ] || mv "$making" "$copy"
      rm -rf "$making"
    fi
    exec "$copy/scripts/fleet" "$@"
  '';

  onlyInClone = name: ''
    echo "${name}: this is no clone of nixos-fleet; run it inside one" >&2
    exit 2
  '';

  command =
    name: description:
    let
      program = pkgs.writeShellApplication {
        inherit name;
        runtimeInputs = import ./tools.nix pkgs;
        text = inClone name + (if name == "fleet" then anywhere else onlyInClone name);
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
  docs = "Regenerate docs/reference/modules.md from the modules' options";
}
// lib.optionalAttrs pkgs.stdenv.hostPlatform.isLinux (
  lib.mapAttrs command { local = "The whole of it on this machine, without Google Cloud"; }
)
