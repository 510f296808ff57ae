# lib.mkFleet on lists of VMs, with stand-ins that show what modules they were given. Answers what is wrong.
let
  inherit (builtins)
    attrNames
    deepSeq
    elemAt
    filter
    fromJSON
    listToAttrs
    readFile
    tryEval
    ;

  mkFleet = import ../lib/fleet.nix {
    nixosModule = "the machine's module";
    homeModule = "the home's module";
  };

  nixpkgs.lib = {
    mkDefault = value: value;
    mkOverride = priority: value: { inherit priority value; };
    mapAttrs' = f: set: listToAttrs (map (name: f name set.${name}) (attrNames set));
    nixosSystem =
      { modules, specialArgs }:
      {
        inherit modules specialArgs;
        config.system.build.toplevel = modules;
      };
  };
  home-manager.lib.homeManagerConfiguration =
    {
      pkgs,
      modules,
      extraSpecialArgs,
    }:
    {
      inherit pkgs modules extraSpecialArgs;
      activationPackage = modules;
    };

  made = madeWith { };
  madeWith =
    more: vms:
    mkFleet (
      {
        inherit nixpkgs home-manager vms;
        machine = vm: [ "machine ${vm.name}" ];
        home = home: [ "home ${home.user}" ];
        pkgs = "packages";
      }
      // more
    );

  list = [
    { name = "dev-canary"; }
    {
      name = "dev-alice";
      host = "alice";
      homes = [
        { user = "alice"; }
        {
          user = "carol_example_com";
          attribute = "carol";
        }
        {
          user = "dave";
          repository = "https://git.example.org/dave/home.git";
        }
      ];
    }
    {
      name = "dev-bob";
      homes = [ { user = "alice"; } ];
    }
  ];
  fleet = made list;
  withArguments = madeWith {
    specialArgs.inputs = "the machine's";
    extraSpecialArgs.inputs = "the home's";
  } list;
  example = ../../examples/config-repo/vms.json;
  settings = modules: elemAt modules 1;

  refuses = vms: !(tryEval (deepSeq (made vms) true)).success;

  claims = {
    "a machine for each VM, by its host" =
      attrNames fleet.nixosConfigurations == [
        "alice"
        "dev-bob"
        "dev-canary"
      ];
    "a home for each attribute, but not for those with a repository" =
      attrNames fleet.homeConfigurations == [
        "alice"
        "carol"
      ];
    "the module, then the list's word, then the company's modules" =
      fleet.nixosConfigurations.alice.modules == [
        "the machine's module"
        {
          nixpkgs.hostPlatform = "x86_64-linux";
          networking.hostName = {
            priority = 900;
            value = "dev-alice";
          };
          services.nixos-auto-update = {
            enable = true;
            host = "alice";
            homes = [
              {
                attribute = "alice";
                user = "alice";
              }
              {
                attribute = "carol";
                user = "carol_example_com";
              }
              {
                attribute = "dave";
                repository = "https://git.example.org/dave/home.git";
                user = "dave";
              }
            ];
          };
        }
        "machine dev-alice"
      ];
    "a home under the name that its machine knows" =
      (settings fleet.homeConfigurations.carol.modules).home == {
        username = "carol_example_com";
        homeDirectory = "/home/carol_example_com";
      };
    "modules with the arguments that the flake passes to them" =
      withArguments.nixosConfigurations.alice.specialArgs == {
        inputs = "the machine's";
      }
      && withArguments.homeConfigurations.alice.extraSpecialArgs == { inputs = "the home's"; }
      && fleet.nixosConfigurations.alice.specialArgs == { }
      && fleet.homeConfigurations.alice.extraSpecialArgs == { };
    "checks of all" =
      attrNames fleet.checks.x86_64-linux == [
        "home-alice"
        "home-carol"
        "machine-alice"
        "machine-dev-bob"
        "machine-dev-canary"
      ];
    "the same from a file" = made example == made (fromJSON (readFile example));
    "no two VMs with one host" = refuses [
      { name = "a"; }
      {
        name = "b";
        host = "a";
      }
    ];
    "one home for two people" = refuses [
      {
        name = "a";
        homes = [
          { user = "alice"; }
          {
            user = "bob";
            attribute = "alice";
          }
        ];
      }
    ];
  };
in
filter (name: !claims.${name}) (attrNames claims)
