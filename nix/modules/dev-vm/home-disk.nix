# People's homes on a disk of their own, which outlives the VM: the one that the Pulumi program attaches with the device name
# `home`.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.nixos-fleet.homeDisk;

  # Google's udev rules name a disk by its device name (google-guest-configs, 65-gce-disk-naming.rules).
  disk = "/dev/disk/by-id/google-home";
  unitName = "dev-disk-by\\x2did-google\\x2dhome";
  device = "${unitName}.device";
  # The mount pulls in this check of the file system. It runs after home-disk, and not at all if that refuses the disk.
  check = "systemd-fsck@${unitName}.service";

  prepare = pkgs.writeShellApplication {
    name = "home-disk";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.diffutils
      pkgs.e2fsprogs
      pkgs.systemd
      pkgs.util-linux
    ];
    text = builtins.readFile ./home-disk.bash;
  };
  guard = pkgs.writeShellApplication {
    name = "home-guard";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.util-linux
    ];
    text = builtins.readFile ./home-guard.bash;
  };
in
{
  options.nixos-fleet.homeDisk.enable = lib.mkEnableOption "{file}`/home` on the disk that is attached with the device name `home`. A disk with nothing on it is formatted, and gets a copy of what {file}`/home` had so far; one with anything on it never is. On a machine that runs already it takes a reboot";

  config = lib.mkMerge [
    # A switch must not mount or unmount /home under people who are logged in: they would lose sight of their files. A changed inhibitor
    # makes the update wait for a reboot (nixos/modules/system/activation/switchable-system.nix). A system without this profile has no such
    # inhibitor; for it the pre-switch check below does the same.
    {
      system.switch.inhibitors.nixos-fleet-home =
        if cfg.enable then "the disk that is attached as `home`" else "the boot disk";
    }

    (lib.mkIf cfg.enable {
      system.preSwitchChecks.nixos-fleet-home = ''
        case "''${2-}" in
          dry-activate) ;;
          boot)
            # An installation, such as of an image, is for the boot of another machine.
            if [ "''${NIXOS_INSTALL_BOOTLOADER-}" != 1 ] && [ ! -e ${disk} ]; then
              echo "no disk is attached with the device name home, so a boot would wait for it; set homeDisk for this VM, then run fleet retry, since the VM refuses this revision from now on; or switch nixos-fleet.homeDisk.enable off"
              exit 1
            fi
            ;;
          *)
            if ! ${pkgs.util-linux}/bin/mountpoint --quiet /home || ${pkgs.util-linux}/bin/findmnt --source home-guard --mountpoint /home >/dev/null; then
              echo "/home is not on a disk of its own yet; a boot mounts it there"
              exit 1
            fi
            ;;
        esac
      '';

      fileSystems."/home" = {
        # Not by label: a disk from a snapshot, attached to restore a few files, has the same label.
        device = disk;
        fsType = "ext4";
        # The file system grows with the disk, at the next boot.
        autoResize = true;
        options = [
          "x-systemd.requires=home-disk.service"
          # Pulumi may attach the disk after the VM has started.
          "x-systemd.device-timeout=1h"
        ];
      };

      systemd.services.home-disk = {
        description = "Prepare the disk with the homes";
        requires = [ device ];
        after = [
          device
          "systemd-remount-fs.service"
        ];
        conflicts = [ "shutdown.target" ];
        requiredBy = [ check ];
        before = [
          check
          "home.mount"
          "shutdown.target"
        ];
        unitConfig.DefaultDependencies = false;
        restartIfChanged = false;
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = "${lib.getExe prepare} ${disk} /home";
          TimeoutStartSec = "infinity";
        };
      };

      # Google's image boots on without /home (nixos/modules/profiles/headless.nix: no emergency mode).
      systemd.services.home-guard = {
        description = "Keep homes off the boot disk while their own disk is not mounted";
        wantedBy = [ "sysinit.target" ];
        after = [ "home.mount" ];
        conflicts = [ "shutdown.target" ];
        before = [
          "systemd-tmpfiles-setup.service"
          "sysinit.target"
          "shutdown.target"
        ];
        unitConfig = {
          DefaultDependencies = false;
          ConditionPathIsMountPoint = "!/home";
        };
        restartIfChanged = false;
        serviceConfig = {
          Type = "oneshot";
          ExecStart = "${lib.getExe guard} /home ${(import ../../lib).homeGuardMessage}";
        };
      };
    })
  ];
}
