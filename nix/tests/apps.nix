# The texts of the programs that `nix run` starts, with a folder in place of the flake's files.
{ source }:

let
  lib = {
    mapAttrs = builtins.mapAttrs;
    optionalAttrs = condition: set: if condition then set else { };
    getExe = program: program.text;
  };
  pkgs = {
    inherit lib;
    stdenv.hostPlatform.isLinux = true;
    writeShellApplication = { text, ... }: { inherit text; };
  };
  # tools.nix takes these from pkgs; the host's own are used.
  none = builtins.listToAttrs (
    map
      (name: {
        inherit name;
        value = null;
      })
      [
        "git"
        "google-cloud-sdk"
        "jq"
        "nixfmt"
        "nodejs_24"
        "pulumi-bin"
        "shellcheck"
        "shfmt"
      ]
  );
in
builtins.mapAttrs (_: app: app.program) (import ../apps.nix (none // pkgs) { inherit source; })
