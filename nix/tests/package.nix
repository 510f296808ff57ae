# The package without nixpkgs: a set that says what is built and what is refused, or, where `esbuild` and `node` name folders with these
# programs below bin/, the package itself, built by this machine's shell and tools.
{
  lib ? null,
  esbuild ? null,
  node ? null,
}:

let
  inherit (builtins) functionArgs intersectAttrs mapAttrs;
  inherit (import ./packages.nix) package;

  theLib = if lib == null then import ./stub/lib.nix else lib;

  # nixpkgs' callPackage, with a package from `find` for each argument that is not given.
  callPackage =
    find: file: given:
    let
      make = import file;
      wanted = functionArgs make;
    in
    make (mapAttrs (name: _: find name) wanted // intersectAttrs wanted given);

  on =
    version:
    callPackage package ../package.nix {
      lib = theLib;
      runCommand =
        name: attrs: script:
        attrs // { inherit name script; };
      nodejs-slim = package "nodejs-slim" // {
        inherit version;
      };
    };
  made = on "24.4.1";
  takes = version: (builtins.tryEval (on version).name).success;

  folder = path: {
    type = "derivation";
    outPath = path;
  };
in
if esbuild == null then
  {
    "with" = if lib == null then "a stub lib (nixpkgs' own was not there)" else "nixpkgs' lib";
    inherit (made) name;
    inherit (made.meta) mainProgram;
    inherit (made) script;
    buildInputs = map (tool: tool.name) made.nativeBuildInputs;
    takes = builtins.filter takes [
      "18.20.8"
      "20.0.0"
      "24.4.1"
    ];
  }
else
  callPackage (_: folder "/usr") ../package.nix {
    lib = theLib;
    esbuild = folder (builtins.path { path = esbuild; });
    nodejs-slim = folder node // {
      version = "20.0.0";
    };
    runCommand =
      name: attrs: script:
      derivation {
        inherit name;
        system = builtins.currentSystem;
        builder = "/bin/bash";
        args = [
          "-euc"
          # The shell stays: Nix kills a builder that closes its output before it ends, as coreutils' programs do.
          "${script}\n:"
        ];
        PATH = "${theLib.makeBinPath attrs.nativeBuildInputs}:/usr/bin:/bin";
      };
  }
