# Who gets in: those that Google's IAM names, by OS Login, and nobody else.
#
# OS Login asks the metadata server by HTTP, at 169.254.169.254 (GoogleCloudPlatform/guest-oslogin, src/include/oslogin_utils.h), in
# four ways, and services.nixos-auto-update.protectMetadata leaves each one open:
# - sshd asks for a person's keys as services.openssh.authorizedKeysCommandUser (nixos/modules/security/google_oslogin.nix;
#   guest-oslogin, src/authorized_keys/);
# - PAM's modules check within sshd, as root, whether that person may log in and may use sudo (the same file,
#   nixos/modules/security/pam.nix; guest-oslogin, src/pam/);
# - names are looked up by the name service daemon, as services.nscd.user: no other process has the NSS modules in its path
#   (nixos/modules/config/nsswitch.nix, nixos/modules/services/system/nscd.nix). So who asks is the daemon, whoever wants to know
#   (guest-oslogin, src/nss/nss_oslogin.cc);
# - google-oslogin-cache.service fills the cache of names, as root (guest-oslogin, google-oslogin-cache.service: no User=).
{ config, lib, ... }:
{
  # The guest agent makes accounts from metadata, all with sudo without a password, where it may
  # (nixos/modules/virtualisation/google-compute-config.nix: accounts_daemon, google-sudoers).
  users.mutableUsers = lib.mkDefault false;

  # NixOS refuses a machine on which nobody has a password or key; it cannot know about OS Login.
  users.allowNoPasswordLogin = lib.mkDefault config.security.googleOsLogin.enable;

  # google-compute-config.nix allows root by key, as a default. Sudo tells who it was.
  services.openssh.settings.PermitRootLogin = lib.mkOverride 900 "no";
}
