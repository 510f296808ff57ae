# An update, one that fails its health check and is rolled back, one with another kernel command line, and one that fails only after the reboot.
{ module, ... }:
{
  name = "nixos-auto-update";

  nodes.machine = {
    imports = [ (import ./repository.nix { inherit module; }) ];
    specialisation = {
      good.configuration.environment.etc.generation.text = "good";
      unhealthy.configuration.services.nixos-auto-update.healthChecks.never.command =
        "echo it is unhealthy; false";
      kernel.configuration.boot.kernelParams = [ "fleet.test=1" ];
      later.configuration = {
        boot.kernelParams = [ "fleet.test=2" ];
        services.nixos-auto-update.healthChecks.later.command = "! grep fleet.test=2 /proc/cmdline";
      };
    };
  };

  testScript =
    { nodes, ... }:
    let
      system = name: nodes.machine.specialisation.${name}.configuration.system.build.toplevel;
    in
    ''
      good, unhealthy, kernel, later = "${system "good"}", "${system "unhealthy"}", "${system "kernel"}", "${system "later"}"

      def current() -> str:
          return machine.succeed("readlink -f /run/current-system").strip()

      def booted() -> str:
          return machine.succeed("readlink -f /run/booted-system").strip()

      def status() -> str:
          return machine.succeed("nixos-auto-update status")

      def reboot() -> None:
          machine.shutdown()
          machine.wait_for_unit("git-daemon.service")

      machine.wait_for_unit("git-daemon.service")

      with subtest("follows the branch"):
          machine.succeed(f"push {good}", "nixos-auto-update run")
          assert current() == good
          assert "updated" in status()
          machine.succeed("nixos-auto-update run")
          assert "unchanged" in status()

      with subtest("rolls back what is unhealthy, and does not try it again"):
          machine.succeed(f"push {unhealthy}")
          machine.fail("nixos-auto-update run")
          assert current() == good
          assert "rolled back" in status() and "it is unhealthy" in status()
          machine.fail("nixos-auto-update run")
          assert current() == good

      with subtest("boots what it was updated to"):
          reboot()
          assert booted() == good

      with subtest("runs what differs in the kernel at once, and says that it needs a reboot"):
          machine.succeed(f"push {kernel}", "nixos-auto-update run")
          assert current() == kernel and booted() == good
          assert "updated" in status() and "a reboot is required" in status()
          reboot()
          assert booted() == kernel
          machine.succeed("nixos-auto-update run")
          assert "a reboot is required" not in status()

      with subtest("goes back from what is unhealthy only after the reboot, and needs another one"):
          machine.succeed(f"push {later}", "nixos-auto-update run")
          assert current() == later and booted() == kernel
          reboot()
          assert booted() == later
          machine.fail("nixos-auto-update run")
          assert "rolled back" in status() and "a reboot is required" in status()
          reboot()
          assert current() == kernel and booted() == kernel
    '';
}
