# All machines and homes of a company from one list: the VMs of its Pulumi stack, which reads the same JSON file
# (`nixos-fleet:vmsFile`). Takes this flake's modules, then what the flake's `lib.mkFleet` takes.
{ nixosModule, homeModule }:
{
  # The configuration repository's inputs, so that its lock governs machines and homes alike.
  nixpkgs,
  home-manager,
  # A JSON file, or the list itself: [ { name, host?, homes?: [ { user, attribute?, repository?, branch? } ], … } ].
  vms,
  # What a machine and a home consist of: functions from their entries in the list to modules.
  machine,
  home,
  # Arguments of those modules besides `config`, `lib` and `pkgs`, such as the flake's `inputs`.
  specialArgs ? { },
  extraSpecialArgs ? { },
  system ? "x86_64-linux",
  pkgs ? nixpkgs.legacyPackages.${system},
}:

let
  inherit (builtins)
    concatMap
    filter
    fromJSON
    head
    isList
    listToAttrs
    readFile
    ;
  inherit (nixpkgs.lib) mapAttrs' mkDefault mkOverride;

  list = map complete (if isList vms then vms else fromJSON (readFile vms));
  complete =
    vm:
    {
      host = vm.name;
    }
    // vm
    // {
      homes = map (each: { attribute = each.user; } // each) (vm.homes or [ ]);
    };

  # A home with its own repository is declared there.
  homes = filter (each: !(each ? repository)) (concatMap (vm: vm.homes) list);

  # Entries by their `key`; two with the same one must agree on `same`.
  by =
    key: same: entries: make:
    let
      checked =
        entry:
        let
          rivals = filter (other: other.${key} == entry.${key} && other.${same} != entry.${same}) entries;
        in
        if rivals == [ ] then
          make entry
        else
          throw "vms: ${entry.${same}} and ${(head rivals).${same}} have the same ${key}, \"${entry.${key}}\"; name another for one of them";
    in
    listToAttrs (
      map (entry: {
        name = entry.${key};
        value = checked entry;
      }) entries
    );

  nixosConfigurations = by "host" "name" list (
    vm:
    nixpkgs.lib.nixosSystem {
      inherit specialArgs;
      modules = [
        nixosModule
        {
          nixpkgs.hostPlatform = mkDefault system;
          # Images for Google Compute Engine have "" as their default (nixos/modules/virtualisation/google-compute-config.nix).
          networking.hostName = mkOverride 900 vm.name;
          services.nixos-auto-update = {
            enable = mkDefault true;
            host = mkDefault vm.host;
            homes = mkDefault vm.homes;
          };
        }
      ]
      ++ machine vm;
    }
  );

  homeConfigurations = by "attribute" "user" homes (
    each:
    home-manager.lib.homeManagerConfiguration {
      inherit pkgs extraSpecialArgs;
      modules = [
        homeModule
        {
          # The list has the name that OS Login makes of an address (alice_example_com), which Nix cannot know.
          home.username = mkDefault each.user;
          home.homeDirectory = mkDefault "/home/${each.user}";
          services.nixos-hm-auto-update = {
            enable = mkDefault true;
            attribute = mkDefault each.attribute;
          };
        }
      ]
      ++ home each;
    }
  );

  prefixed =
    prefix: package:
    mapAttrs' (
      name: made: {
        name = "${prefix}-${name}";
        value = package made;
      }
    );
in
{
  inherit nixosConfigurations homeConfigurations;

  # With these, `nix flake check` builds every machine and home.
  checks.${system} =
    prefixed "machine" (made: made.config.system.build.toplevel) nixosConfigurations
    // prefixed "home" (made: made.activationPackage) homeConfigurations;
}
