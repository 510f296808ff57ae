# An update, one that is ill and is rolled back, and one that needs a reboot.
{ module, ... }:
{
  name = "nixos-auto-update";

  nodes.machine = {
    imports = [ (import ./repository.nix { inherit module; }) ];
    specialisation = {
      good.configuration.environment.etc.generation.text = "good";
      ill.configuration.services.nixos-auto-update.healthChecks.never.command = "echo it is ill; false";
      kernel.configuration.boot.kernelParams = [ "fleet.test=1" ];
    };
  };

  testScript =
    { nodes, ... }:
    let
      system = name: nodes.machine.specialisation.${name}.configuration.system.build.toplevel;
    in
    ''
      good, ill, kernel = "${system "good"}", "${system "ill"}", "${system "kernel"}"

      def current() -> str:
          return machine.succeed("readlink -f /run/current-system").strip()

      def booted() -> str:
          return machine.succeed("readlink -f /run/booted-system").strip()

      def status() -> str:
          return machine.succeed("nixos-auto-update status")

      machine.wait_for_unit("git-daemon.service")

      with subtest("follows the branch"):
          machine.succeed(f"push {good}", "nixos-auto-update run")
          assert current() == good
          assert "updated" in status()
          machine.succeed("nixos-auto-update run")
          assert "unchanged" in status()

      with subtest("rolls back what is ill, and does not try it again"):
          machine.succeed(f"push {ill}")
          machine.fail("nixos-auto-update run")
          assert current() == good
          assert "rolled back" in status() and "it is ill" in status()
          machine.fail("nixos-auto-update run")
          assert current() == good

      with subtest("boots what it was updated to"):
          machine.shutdown()
          machine.wait_for_unit("git-daemon.service")
          assert booted() == good

      with subtest("leaves what needs a reboot to the next boot"):
          machine.succeed(f"push {kernel}", "nixos-auto-update run")
          assert current() == good
          assert "a reboot is required" in status()
          machine.shutdown()
          machine.wait_for_unit("git-daemon.service")
          assert booted() == kernel
          machine.succeed("nixos-auto-update run")
          assert "a reboot is required" not in status()
    '';
}
