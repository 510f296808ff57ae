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
      nixpkgs,
      home-manager,
      nixos-fleet,
      ...
    }:
    let
      system = "x86_64-linux";

      fleet = nixos-fleet.lib.mkFleet {
        inherit nixpkgs home-manager system;
        # The stack reads the same file: `nixos-fleet:vmsFile`.
        vms = ./vms.json;
        machine = vm: [
          nixos-fleet.nixosModules.dev-vm
          ./modules/common.nix
          ./hosts/${vm.name}.nix
        ];
        home = home: [
          ./modules/home.nix
          ./homes/${home.attribute}.nix
        ];
      };
    in
    fleet
    // {
      formatter.${system} = nixpkgs.legacyPackages.${system}.nixfmt-tree;
    };
}
