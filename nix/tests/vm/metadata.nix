# First boot by Google's own script runner and the program's startup script, and a metadata server that only root and login reach.
{ pkgs, module }:

let
  startup = import ./startup-script.nix {
    fleet = "devs";
    stack = "test";
  };
  url = "http://169.254.169.254/computeMetadata/v1";
  person = "alice_example_com";
  # Google knows this person, who may no longer log in.
  leaver = "bob_example_com";
  key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKOnFSCvaKjXNnpkzCGzzUXBhZVmFGZTdpPJnqMXQHvU alice";

  answers = pkgs.writers.writeJSON "metadata.json" {
    project.attributes = startup.items;
    instance = {
      id = 1;
      name = "machine";
      attributes.nixos-fleet = builtins.toJSON {
        fleet = "devs";
        stack = "test";
        host = "machine";
        repository = "git://localhost/config.git";
        branch = "main";
        directory = "/etc/nixos";
        follow = "branch";
        homes = [ ];
      };
    };
    oslogin = [
      (profile person 2000 [ "login" ])
      (profile leaver 2001 [ ])
    ];
  };

  profile = username: uid: granted: {
    inherit granted;
    name = toString uid;
    posixAccounts = [
      {
        inherit username uid;
        primary = true;
        gid = uid;
        homeDirectory = "/home/${username}";
        operatingSystemType = "LINUX";
      }
    ];
    sshPublicKeys."1".key = key;
  };
in
{
  name = "nixos-fleet-metadata";

  nodes.machine =
    { lib, ... }:
    {
      imports = [
        (import ./repository.nix { inherit module; })
        ../../modules/dev-vm/login.nix
      ];

      services.nixos-auto-update = {
        host = lib.mkForce null;
        repository = lib.mkForce null;
      };
      security.googleOsLogin.enable = true;
      services.openssh.enable = true;
      users.users.developer.isNormalUser = true;

      networking.interfaces.lo.ipv4.addresses = [
        {
          address = "169.254.169.254";
          prefixLength = 32;
        }
      ];
      networking.hosts."169.254.169.254" = [ "metadata.google.internal" ];
      systemd.services.metadata-server = {
        wantedBy = [ "multi-user.target" ];
        after = [ "network.target" ];
        serviceConfig.ExecStart = "${lib.getExe pkgs.python3} ${./metadata.py} ${answers} ${pkgs.writeText "startup-script" startup.loader}";
      };

      # As nixos/modules/virtualisation/google-compute-config.nix and this project's image have them.
      systemd.packages = [ pkgs.google-guest-agent ];
      systemd.services.google-startup-scripts.wantedBy = [ "multi-user.target" ];
      # There, and not started: it would see to the network as well.
      systemd.services.google-guest-agent = { };
      environment.systemPackages = [ pkgs.jq ];

      specialisation.deployed.configuration.environment.etc.generation.text = "deployed";
    };

  testScript =
    { nodes, ... }:
    let
      inherit (nodes.machine) specialisation services;
      deployed = specialisation.deployed.configuration.system.build.toplevel;
    in
    ''
      get = "curl --silent --show-error --fail --max-time 5 --header 'Metadata-Flavor: Google' ${url}"

      def developer(command: str) -> str:
          return f"runuser --user developer -- {command}"

      machine.wait_for_unit("git-daemon.service")
      machine.succeed("push ${deployed}")

      with subtest("the startup script brings the machine to its configuration, and that is reported"):
          machine.wait_until_succeeds("test $(readlink -f /run/current-system) = ${deployed}")
          machine.wait_until_succeeds("test -e /var/lib/nixos-auto-update/bootstrapped")
          report = f"{get}/instance/guest-attributes/nixos-fleet/system"
          machine.wait_until_succeeds(f"{report} | jq --exit-status '.outcome == \"updated\"'")
          machine.succeed("test -e /etc/nixos/flake.nix")

      with subtest("a developer reaches nothing of it, and cannot report in the machine's name"):
          machine.fail(developer(f"{get}/instance/name"))
          machine.fail(developer(f"{get}/instance/guest-attributes/nixos-fleet/system --request PUT --data {{}}"))
          machine.succeed(f"{report} | jq --exit-status .outcome")

      with subtest("OS Login's names and keys still come"):
          machine.succeed(developer("getent passwd ${person}"))
          machine.succeed(
              "runuser --user ${services.openssh.authorizedKeysCommandUser} -- "
              "/etc/ssh/authorized_keys_command_google_oslogin ${person} | grep --fixed-strings '${key}'"
          )

      with subtest("sshd lets in whom IAM lets in and the machine's own accounts, and no one else, with keys of their own"):
          machine.succeed('ssh-keygen -q -t ed25519 -N "" -f /root/key')
          for user in ["developer", "${person}", "${leaver}"]:
              machine.succeed(f"install -D --mode 644 /root/key.pub /etc/ssh/authorized_keys.d/{user}")
          login = "ssh -i /root/key -o BatchMode=yes -o StrictHostKeyChecking=no {}@localhost true"
          machine.succeed(login.format("developer"))
          machine.succeed(login.format("${person}"))
          machine.fail(login.format("${leaver}"))
    '';
}
