# What the NixOS module does not take: options of a wrong type (`bad`), and settings that contradict each other (`asserted`), with a part
# of the advice. The parameters are those of system.nix.
{
  named,
  people,
  elsewhere,
  trusting,
}:

{
  bad = import ./both.nix ++ [
    { directory = "etc/nixos"; }
    { subdirectory = "/infra"; }
    { subdirectory = "infra/../home"; }
    { host = ""; }
    { host = "dev alice"; }
    { host = "-x"; }
    { follow = "tags"; }
    { homes = [ "alice" ]; }
    { homes = [ { attribute = "alice"; } ]; }
    { homes = [ { user = "alice@example.com"; } ]; }
    { homes = [ { user = "alice.b"; } ]; }
    {
      homes = [
        {
          user = "alice";
          deployKeySecret = "key";
        }
      ];
    }
    { watch = "yes"; }
    { deployKeySecret = "key"; }
    { deployKeys."github.com" = "key"; }
    { protectMetadata = null; }
    { metadataUsers = [ "root } accept" ]; }
    { activation = "switch"; }
    { window = "22:00-05:00"; }
    { window = [ "22:00" ]; }
    { window = [ "Mo..Fr 22:00-05:00" ]; }
    { window = [ "25:00-05:00" ]; }
    { window = [ "22:00-24:30" ]; }
    { window = [ "24:00-05:00" ]; }
    { window = [ "22:00-05:00 nowhere" ]; }
    { windowDeadline = "7 fortnights"; }
    { windowDeadline = "0d"; }
    { windowDeadline = "1month"; }
    { rebootDeadline = "4"; }
    { rebootDeadline = "1.5h"; }
    { windowDeadline = 0; }
    { healthAfterReboot = "systemd-modules-load.service"; }
    { healthAfterReboot = [ "systemd-modules-load" ]; }
    { rebootDeadline = -1; }
    { allowReboot = "yes"; }
    { rebootWindow.lower = "01:00"; }
    {
      rebootWindow = {
        lower = "1:00";
        upper = "05:00";
      };
    }
    { rebootWithUsers = 1; }
  ];

  asserted = [
    {
      name = "a user for the metadata server that the machine does not have";
      settings.metadataUsers = [ "vector" ];
      says = "metadataUsers: vector must be in users.users";
    }
    {
      name = "beside system.autoUpgrade";
      around.system.autoUpgrade.enable = true;
      says = "set system.autoUpgrade.enable = false";
    }
    {
      name = "beside services.home-manager.autoUpgrade in a home of the machine's own";
      around.home-manager.users.alice.services.home-manager.autoUpgrade.enable = true;
      says = "brings up the home of alice with the machine";
    }
    {
      name = "beside comin";
      around.services.comin.enable = true;
      says = "set services.comin.enable = false";
    }
    {
      name = "nowhere to update from";
      around = elsewhere;
      says = "For a VM of the fleet import nixosModules.dev-vm";
    }
    {
      name = "no one says which machine it is";
      settings = named;
      around = elsewhere // {
        networking.hostName = "";
      };
      says = "host is not set";
    }
    {
      name = "approvals without a fleet";
      settings = named // {
        follow = "approved";
      };
      around = elsewhere;
      says = "belongs to no fleet";
    }
    {
      name = "an empty window to reboot in";
      settings.rebootWindow = {
        lower = "03:00";
        upper = "03:00";
      };
      says = "rebootWindow is empty";
    }
    {
      name = "a key for a place that is none";
      settings.deployKeys."http://git.example.org" = "projects/p/secrets/s";
      says = "\"http://git.example.org\" must be HOST";
    }
    {
      name = "an empty range of a window";
      settings.window = [
        "Mon 22:00-05:00"
        "05:00-05:00 UTC"
      ];
      says = "05:00-05:00 UTC";
    }
    {
      name = "an empty range of a window, in two forms of one time";
      settings.window = [ "Mon 5:00-05:00" ];
      says = "Mon 5:00-05:00";
    }
    {
      name = "a reboot that waits for people and does not";
      settings = {
        rebootDeadline = 3600;
        rebootWithUsers = true;
      };
      says = "set one of them alone";
    }
    {
      name = "a root that is wiped at boot";
      around.fileSystems = {
        "/" = {
          device = "none";
          fsType = "tmpfs";
        };
        "/var/lib/nixos".fsType = "ext4";
      };
      says = "add /var/lib/nixos-auto-update to environment.persistence";
    }
    {
      name = "a root that is wiped at boot, and other folders that are kept";
      around = {
        fileSystems."/".fsType = "tmpfs";
        environment.persistence."/persist".directories = [
          "/var/log"
          { directory = "/var/lib/nixos"; }
        ];
      };
      says = "every boot wipes / (tmpfs)";
    }
    {
      name = "a folder for variable data that is wiped at boot";
      around.fileSystems = {
        "/".fsType = "ext4";
        "/var/lib".fsType = "tmpfs";
      };
      says = "every boot wipes /var/lib (tmpfs)";
    }
    {
      name = "everybody trusted";
      around = trusting [
        "root"
        "@users"
      ];
      says = "trusted-users has @users";
    }
    {
      name = "a developer trusted";
      around = people // trusting [ "alice" ];
      says = "trusted-users has alice";
    }
    {
      name = "a home's OS Login user trusted";
      settings.homes = [ { user = "bob_example_com"; } ];
      around = trusting [ "bob_example_com" ];
      says = "trusted-users has bob_example_com";
    }
    {
      name = "a home whose user must not linger";
      settings.homes = [ { user = "alice"; } ];
      around.users.users.alice = {
        isNormalUser = true;
        linger = false;
      };
      says = "users.users.alice.linger is false";
    }
    {
      name = "a home that is part of the machine";
      settings.homes = [ { user = "alice"; } ];
      around.home-manager.users.alice = { };
      says = "take alice out of one of the two";
    }
    {
      name = "a home whose user may not build";
      settings.homes = [ { user = "alice"; } ];
      around.nix.settings = {
        allowed-users = [ "carol" ];
        trusted-users = [ "root" ];
      };
      says = "does not let alice build";
    }
  ];
}
