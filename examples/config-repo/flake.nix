{
  description = "Our machines and homes";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    home-manager = {
      url = "github:nix-community/home-manager/release-26.05";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    nixos-fleet = {
      url = "github:example-org/nixos-fleet";
      inputs.nixpkgs.follows = "nixpkgs";
      inputs.home-manager.follows = "home-manager";
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      home-manager,
      nixos-fleet,
    }:
    let
      inherit (nixpkgs) lib;
      system = "x86_64-linux";

      machine =
        name:
        lib.nixosSystem {
          modules = [
            nixos-fleet.nixosModules.default
            ./modules/common.nix
            ./hosts/${name}.nix
          ];
        };

      home =
        user:
        home-manager.lib.homeManagerConfiguration {
          pkgs = nixpkgs.legacyPackages.${system};
          modules = [
            nixos-fleet.homeManagerModules.default
            ./homes/${user}.nix
          ];
        };
    in
    {
      nixosConfigurations = lib.genAttrs [ "dev-canary" "dev-alice" "dev-bob" ] machine;
      homeConfigurations = lib.genAttrs [ "alice" "bob" ] home;

      # So that `nix flake check` builds everything that a push would bring to somebody.
      checks.${system} =
        lib.mapAttrs (_: machine: machine.config.system.build.toplevel) self.nixosConfigurations
        // lib.mapAttrs (_: home: home.activationPackage) self.homeConfigurations;

      formatter.${system} = nixpkgs.legacyPackages.${system}.nixfmt-tree;
    };
}
