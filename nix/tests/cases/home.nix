# The Home Manager module's cases: see modules.nix for what is done with them.
{ package }:

let
  home = config: config.systemd.user.services.nixos-hm-auto-update;
  # Home Manager makes a list of it.
  starts = config: toString (home config).Service.ExecStart;
  settings =
    config: builtins.fromJSON config.xdg.configFile."nixos-hm-auto-update/settings.json".text;
in
{
  # What the module reads of the configuration around it.
  around = {
    home = {
      username = "alice";
      homeDirectory = "/home/alice";
      stateVersion = "26.05";
    };
    nix.package = null;
    services.home-manager.autoUpgrade.enable = false;
    submoduleSupport.enable = false;
  };

  good = [
    {
      name = "off";
      settings = { };
      holds = config: !((config.systemd.user.services or { }) ? nixos-hm-auto-update);
    }
    {
      name = "on, nothing else set";
      holds =
        config:
        (settings config).attribute == "alice"
        && !(settings config ? repository)
        && (home config).Unit.X-SwitchMethod == "keep-old"
        && config.systemd.user.timers.nixos-hm-auto-update.Timer.OnActiveSec == "10min"
        && config.systemd.user.paths.nixos-hm-auto-update.Install.WantedBy == [ "paths.target" ];
    }
    {
      name = "a name that OS Login made";
      around.home = {
        username = "alice_example_com";
        homeDirectory = "/home/alice_example_com";
      };
      settings.attribute = "alice";
      holds = config: (settings config).attribute == "alice";
    }
    {
      name = "a package of one's own";
      settings.package = package "agent";
      holds =
        config:
        starts config == "/nix/store/00000000000000000000000000000000-agent/bin/nixos-hm-auto-update run";
    }
    {
      name = "everything set";
      settings = {
        gitPackage = package "gitMinimal";
        nodePackage = package "nodejs-slim_22";
        attribute = "alice@dev-alice";
        repository = "git@git.example.org:alice/home.git";
        branch = "main";
        onBoot = "30s";
        dates = "weekly";
        randomizedDelaySec = "10min";
        directory = "/home/alice/config";
        signers = "alice@example.org ssh-ed25519 AAAA";
        knownHosts = "git.example.org ssh-ed25519 AAAA";
        healthChecks.shell = {
          command = "true";
          timeout = "2min";
        };
        healthSettle = "5s";
        healthIgnoreUnits = [ "sync.service" ];
        keepGenerations = 3;
        minimumFree = 0;
        memoryHigh = "2G";
        metricsDirectory = "/home/alice/metrics";
        notify = "cat";
      };
      holds =
        config:
        config.systemd.user.timers.nixos-hm-auto-update-schedule.Timer.OnCalendar == "weekly"
        && (settings config).repository == "git@git.example.org:alice/home.git"
        &&
          starts config
          == "/nix/store/00000000000000000000000000000000-agent-with-gitMinimal-on-nodejs-slim_22/bin/nixos-hm-auto-update run";
    }
  ];

  bad = import ./both.nix ++ [
    { attribute = ""; }
    { directory = "~/config"; }
  ];

  asserted = [
    {
      name = "beside services.home-manager.autoUpgrade";
      around.services.home-manager.autoUpgrade.enable = true;
      says = "set services.home-manager.autoUpgrade.enable = false";
    }
    {
      name = "in a home that NixOS manages";
      around.submoduleSupport.enable = true;
      says = "NixOS manages this one (home-manager.users.alice)";
    }
  ];
}
