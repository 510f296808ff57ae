# Stand-ins for nixpkgs' packages: `package` makes one, and `pkgs` has what the modules, and Home Manager's beside them, ask for.
rec {
  package = name: {
    type = "derivation";
    inherit name;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
    meta.mainProgram = name;
  };

  pkgs = {
    git = package "git";
    nftables = package "nftables";
    nodejs-slim = package "nodejs-slim" // {
      version = "24.4.1";
    };
    # Its path says what is in it, as with Nix.
    writeText =
      name: text:
      let
        hash = builtins.substring 0 32 (builtins.hashString "sha256" text);
      in
      package name
      // {
        inherit text;
        outPath = "/nix/store/${hash}-${name}";
      };
    callPackage = _: args: package "agent-with-${args.git.name}-on-${args.nodejs-slim.name}";
    stdenv = rec {
      isLinux = true;
      isDarwin = false;
      hostPlatform = {
        inherit isDarwin isLinux;
        system = "x86_64-linux";
      };
    };
  };

  # What whole machines and homes ask for besides: these programs, and scripts.
  pkgsWith =
    programs:
    pkgs
    // builtins.listToAttrs (
      map (name: {
        inherit name;
        value = package name;
      }) programs
    )
    // {
      callPackage = _: _: package "agent";
      writeShellApplication = { name, ... }: package name;
      writeShellScript = name: _: package name;
    };
}
