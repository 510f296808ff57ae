#!/bin/sh
# Runs a command in a throwaway root over a machine image: unshare --mount --pid --fork sh image-chroot.sh IMAGE PROJECT COMMAND…
# The project is at /project, and where they are set NIXOS_FLEET_NIXPKGS_LIB at /nixpkgs-lib and NIXOS_FLEET_HOME_MANAGER at
# /home-manager, all read-only; what the command writes is gone afterwards.
set -eu
image=$1 project=$2
shift 2

# A folder that every image has: mounts end with the namespace, so nothing is left to clean up.
scratch=$image/mnt
mount -t tmpfs tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
root=$scratch/root
mount -t overlay overlay -o "lowerdir=$image,upperdir=$scratch/upper,workdir=$scratch/work" "$root"
show() {
  mkdir -p "$root/$2"
  mount --bind "$1" "$root/$2"
  mount -o remount,bind,ro "$root/$2"
}
show "$project" project
[ -z "${NIXOS_FLEET_NIXPKGS_LIB:-}" ] || show "$NIXOS_FLEET_NIXPKGS_LIB" nixpkgs-lib
[ -z "${NIXOS_FLEET_HOME_MANAGER:-}" ] || show "$NIXOS_FLEET_HOME_MANAGER" home-manager
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"

exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 chroot "$root" "$@"
