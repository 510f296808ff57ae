# What the profile has to get past of nixpkgs' module of this name, where that one is not there: the values that it and
# google-compute-config.nix set, with their priorities.
{ lib, ... }:
{
  boot.loader.timeout = 0;
  boot.loader.grub.configurationLimit = 0;
  security.googleOsLogin.enable = true;
  services.openssh.settings.PermitRootLogin = lib.mkDefault "prohibit-password";
  networking.hostName = lib.mkDefault "";
  systemd.services.google-guest-agent.wantedBy = [ "multi-user.target" ];
}
