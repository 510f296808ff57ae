{
  description = "NixOS developer VMs on Google Cloud: one pulumi up provisions them, one lock change moves them all";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    home-manager = {
      url = "github:nix-community/home-manager/release-26.05";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      home-manager,
    }:
    let
      inherit (nixpkgs) lib;

      each = systems: f: lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
      machines = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      desks = machines ++ [ "aarch64-darwin" ];
    in
    {
      nixosModules = {
        nixos-auto-update = ./nix/modules/nixos-auto-update.nix;
        default = self.nixosModules.nixos-auto-update;
      };

      homeManagerModules = {
        nixos-hm-auto-update = ./nix/modules/nixos-hm-auto-update.nix;
        default = self.homeManagerModules.nixos-hm-auto-update;
      };

      packages = each machines (pkgs: {
        nixos-auto-update = pkgs.callPackage ./nix/package.nix { };
        default = self.packages.${pkgs.stdenv.hostPlatform.system}.nixos-auto-update;
      });

      checks = each machines (
        pkgs:
        import ./nix/tests/checks.nix {
          inherit pkgs nixpkgs home-manager;
          fleet = self;
        }
      );

      devShells = each desks (pkgs: {
        default = pkgs.mkShellNoCC {
          packages = [
            pkgs.google-cloud-sdk
            pkgs.jq
            pkgs.nixfmt
            pkgs.nodejs_24
            # With its plugins, so that nothing is downloaded at the first `pulumi up`.
            pkgs.pulumi-bin
            pkgs.shellcheck
            pkgs.shfmt
          ];
        };
      });

      formatter = each desks (pkgs: pkgs.nixfmt-tree);

      templates = {
        config-repo = {
          path = ./examples/config-repo;
          description = "The configuration repository that a company's machines and homes follow";
        };
        default = self.templates.config-repo;
      };
    };
}
