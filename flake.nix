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

      # The template's outputs, with this flake as its input `nixos-fleet`.
      example = (import ./examples/config-repo/flake.nix).outputs {
        inherit nixpkgs home-manager;
        nixos-fleet = self;
      };

      # A folder with the one file NAME.raw.tar.gz, as Compute imports it.
      image =
        (lib.nixosSystem {
          modules = [
            self.nixosModules.dev-vm
            (import ./nix/image.nix { revision = self.shortRev or self.dirtyShortRev or "unknown"; })
          ];
        }).config.system.build.googleComputeImage;
    in
    {
      nixosModules = {
        nixos-auto-update = ./nix/modules/nixos-auto-update.nix;
        dev-vm = ./nix/modules/dev-vm.nix;
        default = self.nixosModules.nixos-auto-update;
      };

      homeManagerModules = {
        nixos-hm-auto-update = ./nix/modules/nixos-hm-auto-update.nix;
        default = self.homeManagerModules.nixos-hm-auto-update;
      };
      # The name that `nix flake check` accepts.
      homeModules = self.homeManagerModules;

      lib.mkFleet = import ./nix/lib/fleet.nix {
        nixosModule = self.nixosModules.default;
        homeModule = self.homeManagerModules.default;
      };

      nixosConfigurations.example = example.nixosConfigurations.dev-alice;

      packages = each machines (
        pkgs:
        {
          nixos-auto-update = pkgs.callPackage ./nix/package.nix { };
          docs = pkgs.writeText "modules.md" (import ./nix/docs { inherit lib; });
          default = self.packages.${pkgs.stdenv.hostPlatform.system}.nixos-auto-update;
        }
        // lib.optionalAttrs pkgs.stdenv.hostPlatform.isx86_64 { gce-image = image; }
      );

      checks = each machines (
        pkgs:
        import ./nix/tests/checks.nix {
          inherit
            example
            home-manager
            nixpkgs
            pkgs
            ;
          fleet = self;
          inherit (self.packages.${pkgs.stdenv.hostPlatform.system}) docs;
        }
      );

      devShells = each desks (pkgs: {
        default = pkgs.mkShellNoCC { packages = import ./nix/tools.nix pkgs; };
      });

      apps = each desks (pkgs: import ./nix/apps.nix pkgs { });

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
