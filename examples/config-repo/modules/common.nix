# What every machine has.
{
  lib,
  modulesPath,
  ...
}:
{
  imports = [
    "${modulesPath}/virtualisation/google-compute-image.nix"
    ./trigger.nix
  ];

  virtualisation.googleComputeImage.efi = true;

  # Images for Google Compute Engine hide all former generations from the boot menu; a rollback wants them.
  boot.loader.timeout = lib.mkForce 3;
  boot.loader.grub.configurationLimit = lib.mkForce 20;

  services.nixos-auto-update = {
    enable = true;
    schedule = "weekly";
  };

  # The service that one can see change: which nixpkgs this machine was built from.
  systemd.services.fleet-demo = {
    description = "Show which nixpkgs this machine runs";
    wantedBy = [ "multi-user.target" ];
    serviceConfig = {
      DynamicUser = true;
      RuntimeDirectory = "fleet-demo";
    };
    script = ''
      echo ${lib.version} > /run/fleet-demo/version
      exec sleep infinity
    '';
  };

  # Developers build and install in their homes. They are not trusted: a trusted user is root by another name.
  nix.settings = {
    experimental-features = [
      "nix-command"
      "flakes"
    ];
    allowed-users = [ "*" ];
    trusted-users = [ "root" ];
  };
  nix.gc = {
    automatic = true;
    dates = "weekly";
    options = "--delete-older-than 30d";
  };

  system.stateVersion = "26.05";
}
