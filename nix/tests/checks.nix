# `nix flake check`: what needs nixpkgs and Home Manager.
{
  pkgs,
  nixpkgs,
  home-manager,
  # This flake, its documentation's package, and the template's outputs.
  fleet,
  docs,
  example,
}:

let
  inherit (pkgs) lib;

  check =
    name: inputs: script:
    pkgs.runCommand "check-${name}" { nativeBuildInputs = inputs; } "${script}\ntouch $out";

  # For what is evaluated: a list of what is wrong.
  none = name: failures: check name [ ] (lib.throwIf (failures != [ ]) (lib.concatLines failures) "");

  machine = nixpkgs.lib.nixosSystem {
    modules = [
      fleet.nixosModules.default
      {
        nixpkgs.hostPlatform = pkgs.stdenv.hostPlatform.system;
        boot.isContainer = true;
        system.stateVersion = "26.05";
        services.nixos-auto-update = {
          enable = true;
          repository = "https://git.example.org/infra/nixos-config.git";
          dates = "weekly";
        };
      }
    ];
  };

  home = home-manager.lib.homeManagerConfiguration {
    inherit pkgs;
    modules = [
      fleet.homeManagerModules.default
      {
        home = {
          username = "alice";
          homeDirectory = "/home/alice";
          stateVersion = "26.05";
        };
        services.nixos-hm-auto-update.enable = true;
      }
    ];
  };
in
{
  # Without nixpkgs: the functions that make the units.
  units = none "units" (import ./units.nix);

  modules =
    none "modules"
      (import ./modules.nix {
        inherit lib;
        homeManager = home-manager;
      }).failures;

  fleet = none "fleet" (import ./fleet.nix);

  # The template's machines and homes come out; to build them all is for who has them.
  example =
    let
      derivations = map (each: each.drvPath) (builtins.attrValues example.checks.x86_64-linux);
    in
    check "example" [ ] (
      "# " + builtins.unsafeDiscardStringContext (lib.concatStringsSep " " derivations)
    );

  docs = check "docs" [ ] "diff ${fleet}/docs/reference/modules.md ${docs}";

  profile = none "profile" (import ./profile.nix { inherit lib; }).failures;

  nixos = check "nixos" [ ] ''
    cd ${machine.config.system.build.toplevel}/etc/systemd/system
    grep -qx 'X-RestartIfChanged=false' nixos-auto-update.service
    grep -qx 'X-StopOnRemoval=false' nixos-auto-update.service
    grep -qx 'OnActiveSec=5min' timers.target.wants/nixos-auto-update.timer
    grep -qx 'OnCalendar=weekly' timers.target.wants/nixos-auto-update-schedule.timer
    test -e multi-user.target.wants/nixos-auto-update-watch.service
    test ! -e multi-user.target.wants/nixos-auto-update.service
    test -x ${machine.config.system.build.toplevel}/sw/bin/nixos-auto-update
  '';

  home-manager = check "home-manager" [ ] ''
    cd ${home.activationPackage}/home-files/.config/systemd/user
    grep -qx 'X-SwitchMethod=keep-old' nixos-hm-auto-update.service
    grep -qx 'OnActiveSec=10min' timers.target.wants/nixos-hm-auto-update.timer
    test -e paths.target.wants/nixos-hm-auto-update.path
  '';

  # As `./scripts/test lint` does.
  shell =
    check "shell"
      [
        pkgs.shellcheck
        pkgs.shfmt
      ]
      ''
        cd ${fleet}
        scripts=$(grep --recursive --files-with-matches --max-count 1 --extended-regexp '^#!.*\b(ba)?sh\b' nix scripts tools local .ci)
        shellcheck -x -P SCRIPTDIR $scripts
        shfmt -i 2 -ci -d $scripts
      '';

  formatting = check "formatting" [ pkgs.nixfmt ] ''
    find ${fleet} -name '*.nix' -exec nixfmt --check {} +
  '';
}
// lib.optionalAttrs pkgs.stdenv.hostPlatform.isx86_64 (
  import ./vm {
    inherit pkgs;
    module = fleet.nixosModules.default;
  }
)
