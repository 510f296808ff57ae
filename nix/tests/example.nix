# The template's machines and homes through nixpkgs' own module system, and its homes among all of Home Manager's modules where those
# are there. Answers what is wrong.
{
  lib,
  homeManager ? null,
}:

let
  inherit (builtins)
    attrNames
    attrValues
    concatMap
    filter
    fromJSON
    mapAttrs
    ;

  inherit (import ./packages.nix) pkgsWith;
  pkgs = pkgsWith [
    "nixfmt-tree"
    "ripgrep"
    "jq"
    "systemd"
    "direnv"
  ];

  evaluateMachine = import ./real/nixos.nix { inherit lib; };
  evaluateHome =
    if homeManager == null then
      import ./real/lib.nix { inherit lib; }
    else
      import ./real/home-manager.nix { inherit lib homeManager; };

  example = (import ../../examples/config-repo/flake.nix).outputs {
    nixpkgs = {
      lib = lib // {
        nixosSystem =
          { modules, specialArgs }:
          {
            config = evaluateMachine { inherit modules pkgs; };
          };
      };
      legacyPackages.x86_64-linux = pkgs;
    };
    home-manager.lib.homeManagerConfiguration =
      {
        pkgs,
        modules,
        extraSpecialArgs,
      }:
      {
        config = evaluateHome {
          module.imports = modules;
          name = "nixos-hm-auto-update";
          settings = { };
          # What Home Manager says where no one says otherwise.
          around = {
            nix.package = null;
            services.home-manager.autoUpgrade.enable = false;
            submoduleSupport.enable = false;
          };
          inherit pkgs;
        };
      };
    nixos-fleet = {
      lib.mkFleet = import ../lib/fleet.nix {
        nixosModule = ../modules/nixos-auto-update.nix;
        homeModule = ../modules/nixos-hm-auto-update.nix;
      };
      nixosModules.dev-vm = ../modules/dev-vm.nix;
    };
  };

  machines = mapAttrs (_: made: made.config) example.nixosConfigurations;
  homes = mapAttrs (_: made: made.config) example.homeConfigurations;
  machineSettings = config: fromJSON config.environment.etc."nixos-auto-update/settings.json".text;
  homeSettings = config: fromJSON config.xdg.configFile."nixos-hm-auto-update/settings.json".text;

  claims = {
    "three machines and two homes" =
      attrNames machines == [
        "dev-alice"
        "dev-bob"
        "dev-canary"
      ]
      &&
        attrNames homes == [
          "alice"
          "bob"
        ];
    "machines that are called what the list says" = lib.all (
      name: machines.${name}.networking.hostName == name
    ) (attrNames machines);
    "agents that know which machine they are, and whose homes" =
      (machineSettings machines.dev-alice).host == "dev-alice"
      &&
        (machineSettings machines.dev-alice).homes == [
          {
            attribute = "alice";
            user = "alice_example_com";
          }
        ];
    "what the template sets, past what the profile and the image set" =
      machines.dev-canary.systemd.timers.nixos-auto-update-schedule.timerConfig.OnCalendar == "weekly"
      && machines.dev-alice.virtualisation.podman.enable
      && machines.dev-bob.zramSwap.memoryPercent == 100
      && machines.dev-bob.zramSwap.enable;
    "homes that know which they are" = lib.all (name: (homeSettings homes.${name}).attribute == name) (
      attrNames homes
    );
    "nothing that an assertion refuses" = broken == [ ];
  };
  broken = concatMap (config: filter (each: !each.assertion) config.assertions) (
    attrValues machines ++ attrValues homes
  );
in
filter (name: !claims.${name}) (attrNames claims) ++ map (each: each.message) broken
