# What the profile has to get past of nixpkgs' module of this name, where that one is not there: the values that it,
# google-compute-config.nix and sshd.nix set, with their priorities.
{ lib, ... }:
{
  boot.loader.timeout = 0;
  boot.loader.grub.configurationLimit = 0;
  security.googleOsLogin.enable = true;
  services.openssh.enable = true;
  services.openssh.hostKeys = lib.mkDefault [ { path = "/etc/ssh/ssh_host_ed25519_key"; } ];
  services.openssh.settings.PermitRootLogin = lib.mkDefault "prohibit-password";
  networking.hostName = lib.mkDefault "";
  systemd.services.google-guest-agent.wantedBy = [ "multi-user.target" ];
}
