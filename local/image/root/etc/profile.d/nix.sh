# /etc/profile resets PATH: login shells find the user's and the system's profile first, as on NixOS.
PATH="$HOME/.nix-profile/bin:/nix/var/nix/profiles/default/bin:/run/current-system/sw/bin:$PATH"
export PATH
