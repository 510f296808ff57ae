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
  # The check of the file system, which the mount pulls in, waits until there is one, and does not touch what home-disk refuses.
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
    # Under those who are logged in no /home may appear or go away: their files would be out of sight. A changed inhibitor has the update
    # wait for a reboot (nixos/modules/system/activation/switchable-system.nix). A system without this profile has no such inhibitor to
    # compare with: for that one the check below says so.
    {
      system.switch.inhibitors.nixos-fleet-home =
        if cfg.enable then "the disk that is attached as `home`" else "the boot disk";
    }

    (lib.mkIf cfg.enable {
      system.preSwitchChecks.nixos-fleet-home = ''
        case "''${2-}" in
          dry-activate) ;;
          boot)
            # At an installation, as of an image, this is another machine's boot.
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
        # By its label another disk could take its place: one from a snapshot, attached to get a few files back, has the same.
        device = disk;
        fsType = "ext4";
        # A disk that was made larger is so after the next boot.
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
