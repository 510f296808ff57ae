#!/usr/bin/env bash
# home-guard HOME MESSAGE: mounts a small temporary file system on HOME, whose disk could not be mounted. Without it people and agents
# would write homes to the boot disk, and the next boot with the disk would hide them. It then fails, so that the machine is not healthy.
set -euo pipefail
home=$1 message=$2

mkdir --parents "$home" "$(dirname "$message")"
mount --types tmpfs --options size=64M,mode=0755,nosuid,nodev home-guard "$home"
cat >"$message" <<END
The disk with the homes is not mounted. $home is temporary: the next boot deletes what you write there.
  ask the infra team, or with sudo: journalctl --boot --unit home-disk --unit home.mount
END
echo "$home is not mounted, so a temporary file system takes its place until the next boot; journalctl --boot --unit home-disk --unit home.mount says why" >&2
exit 1
