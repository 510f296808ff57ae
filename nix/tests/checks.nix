# `nix flake check`: what needs nixpkgs and Home Manager.
{
  pkgs,
  nixpkgs,
  home-manager,
  fleet,
}:

let
  inherit (pkgs) lib;

  check =
    name: inputs: script:
    pkgs.runCommand "check-${name}" { nativeBuildInputs = inputs; } "${script}\ntouch $out";

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
          schedule = "weekly";
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
  units =
    let
      failures = import ./units.nix;
    in
    check "units" [ ] (lib.throwIf (failures != [ ]) (lib.concatLines failures) "");

  modules =
    let
      inherit (import ./modules.nix { inherit lib; }) failures;
    in
    check "modules" [ ] (lib.throwIf (failures != [ ]) (lib.concatLines failures) "");

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

  shell =
    check "shell"
      [
        pkgs.shellcheck
        pkgs.shfmt
      ]
      ''
        cd ${../agent}
        shellcheck -x *.bash
        shfmt -i 2 -ci -d *.bash
      '';

  formatting = check "formatting" [ pkgs.nixfmt ] ''
    find ${fleet} -name '*.nix' -exec nixfmt --check {} +
  '';
}
