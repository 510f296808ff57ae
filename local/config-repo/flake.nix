{
  description = "The local cloud's configuration repository: three machines and two homes";

  # Locked as in a company's repository, but never fetched: a machine of the local cloud has neither network nor nixpkgs.
  # What stands in for both reads from the lock which revision it stands for.
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    home-manager = {
      url = "github:nix-community/home-manager/release-26.05";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    { ... }:
    let
      stand-in = import ./stand-in {
        lock = builtins.fromJSON (builtins.readFile ./flake.lock);
        nixos-fleet = ./nixos-fleet;
      };
      inherit (stand-in) nixpkgs home-manager;

      # The template's list, as its `lib.mkFleet` reads it.
      vms = builtins.fromJSON (builtins.readFile ./vms.json);
      homes = builtins.concatMap (vm: vm.homes or [ ]) vms;

      machine =
        name:
        nixpkgs.lib.nixosSystem {
          modules = [
            ./modules/common.nix
            ./hosts/${name}.nix
          ];
        };

      home =
        user:
        home-manager.lib.homeManagerConfiguration {
          modules = [ ./homes/${user}.nix ];
        };
    in
    {
      nixosConfigurations = nixpkgs.lib.genAttrs (map (vm: vm.name) vms) machine;
      homeConfigurations = nixpkgs.lib.genAttrs (map (each: each.user) homes) home;
    };
}
