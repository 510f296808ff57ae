{
  description = "Stands in for nixpkgs where only the outputs' shapes matter: every package is an empty derivation";

  outputs =
    { self }:
    let
      inherit (builtins) listToAttrs mapAttrs;

      derivationFor =
        system: name:
        derivation {
          inherit name system;
          builder = "/bin/sh";
          args = [
            "-c"
            ": > $out"
          ];
        };

      packagesFor =
        system:
        let
          make = derivationFor system;
          tools = [
            "git"
            "google-cloud-sdk"
            "jq"
            "nixfmt"
            "nixfmt-tree"
            "nodejs_24"
            "pulumi-bin"
            "ripgrep"
            "shellcheck"
            "shfmt"
          ];
        in
        self.lib.genAttrs tools make
        // {
          inherit (self) lib;
          callPackage = _: _: make "package";
          mkShellNoCC = _: make "shell";
          runCommand =
            name: _: _:
            make name;
          writeShellApplication = { name, ... }: make name // { meta.mainProgram = name; };
          writeText = name: _: make name;
          testers.runNixOSTest = { name, ... }: make name;
          stdenv.hostPlatform = {
            inherit system;
            isx86_64 = system == "x86_64-linux";
            isLinux = system != "aarch64-darwin";
          };
        };
    in
    {
      lib = {
        genAttrs =
          names: f:
          listToAttrs (
            map (name: {
              inherit name;
              value = f name;
            }) names
          );
        mapAttrs' = f: set: listToAttrs (map (name: f name set.${name}) (builtins.attrNames set));
        inherit (builtins) concatStringsSep;
        concatLines = builtins.concatStringsSep "\n";
        getExe = package: "${package}/bin/${package.meta.mainProgram}";
        mkDefault = value: value;
        mkOverride = _: value: value;
        optionalAttrs = condition: set: if condition then set else { };
        throwIf =
          condition: message: value:
          if condition then throw message else value;
        inherit mapAttrs;
        # The modules are there to be looked at, not evaluated.
        nixosSystem =
          {
            modules,
            specialArgs ? { },
          }:
          {
            inherit modules;
            _module = { };
            config.system.build = self.lib.genAttrs [
              "toplevel"
              "googleComputeImage"
            ] (derivationFor "x86_64-linux");
            extendModules = null;
          };
      };

      legacyPackages = self.lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
      ] packagesFor;
    };
}
