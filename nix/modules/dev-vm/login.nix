# Who may log in: the people that Google's IAM names, by OS Login, and accounts of this configuration with keys in it.
#
# OS Login asks the metadata server by HTTP, at 169.254.169.254 (GoogleCloudPlatform/guest-oslogin, src/include/oslogin_utils.h), in
# four ways, and services.nixos-auto-update.protectMetadata leaves each one open:
# - sshd asks for a person's keys as services.openssh.authorizedKeysCommandUser (nixos/modules/security/google_oslogin.nix;
#   guest-oslogin, src/authorized_keys/);
# - PAM's modules check within sshd, as root, whether that person may log in and may use sudo (the same file,
#   nixos/modules/security/pam.nix; guest-oslogin, src/pam/). This check counts also for keys that people put into their own homes;
# - names are looked up by the name service daemon, as services.nscd.user: no other process has the NSS modules in its path
#   (nixos/modules/config/nsswitch.nix, nixos/modules/services/system/nscd.nix). So the daemon asks, not the program that wants to know
#   (guest-oslogin, src/nss/nss_oslogin.cc);
# - google-oslogin-cache.service fills the cache of names, as root (guest-oslogin, google-oslogin-cache.service: no User=).
{ config, lib, ... }:

let
  # The sudo that runs only for members of wheel, if there is one.
  wheelOnly =
    builtins.filter (name: config.security.${name}.enable && config.security.${name}.execWheelOnly)
      [
        "sudo"
        "sudo-rs"
      ];
in
{
  # The guest agent makes accounts from metadata, all with sudo without a password, where it may
  # (nixos/modules/virtualisation/google-compute-config.nix: accounts_daemon, google-sudoers).
  users.mutableUsers = lib.mkOverride 900 false;

  # NixOS refuses a machine on which no one has a password or key; it cannot know about OS Login.
  users.allowNoPasswordLogin = lib.mkOverride 900 config.security.googleOsLogin.enable;

  # Since 2024 OS Login's module denies each account that Google does not know, also the machine's own, such as the one for
  # `trigger: ssh` (guest-oslogin, src/pam/pam_oslogin_login.cc). For an account in /etc/passwd the next rule, which is this module, is
  # skipped. The check stays on for everyone else.
  security.pam.services.sshd.rules.account.local_users =
    lib.mkIf config.security.googleOsLogin.enable
      {
        order = config.security.pam.services.sshd.rules.account.oslogin_login.order - 1;
        control = "[success=1 default=ignore]";
        modulePath = "${config.security.pam.package}/lib/security/pam_localuser.so";
      };

  # google-compute-config.nix allows root by key, as a default. sudo logs who became root.
  services.openssh.settings.PermitRootLogin = lib.mkOverride 900 "no";

  # OS Login makes administrators by a rule of sudo, not by a group.
  assertions = map (name: {
    assertion =
      !config.security.googleOsLogin.enable || (config.users.groups.wheel.members or [ ]) != [ ];
    message = "security.${name}.execWheelOnly keeps sudo from the administrators of OS Login (compute.osAdminLogin), who are not in the group wheel, so no one could become root on this machine: set security.${name}.execWheelOnly = lib.mkForce false.";
  }) wheelOnly;
}
