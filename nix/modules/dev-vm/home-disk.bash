#!/usr/bin/env bash
# home-disk DISK HOME: sees to it that the disk carries homes, under the file system label `home`. A blank one is formatted, with
# the label `home-new` until it has a copy of what HOME has: after a power cut all is copied again. Nothing else is formatted.
set -euo pipefail
disk=$1 home=$2

refuse() {
  echo "$disk: $1" >&2
  exit 1
}

# No file system, partition table or other signature, and zeros where those are looked for.
blank() {
  local status=0
  blkid --probe "$disk" >/dev/null || status=$?
  ((status == 2)) && cmp --silent --bytes=$((1024 * 1024)) "$disk" /dev/zero
}

label() { blkid --probe --match-tag LABEL --output value "$disk" || true; }

# A copy that was cut short has files of any length and any time, also times that say that nothing is left to copy.
# The disk is mounted below /run: /tmp may become a mount of its own while this runs.
copy() {
  local mount
  mount=$(mktemp --directory --tmpdir=/run)
  mount "$disk" "$mount"
  cp --archive "$home/." "$mount/"
  umount "$mount"
  rmdir "$mount"
}

if mountpoint --quiet "$home"; then exit 0; fi
[[ $(label) != home ]] || exit 0
if systemctl is-active --quiet multi-user.target 2>/dev/null; then
  refuse "$home is in use; the disk takes its place at the next boot"
fi
if blank; then
  echo "$disk is blank: formatting it"
  mkfs.ext4 -q -L home-new "$disk"
elif [[ $(label) != home-new ]]; then
  refuse "has something on it that is not labelled home ($(blkid --probe --output export "$disk" | paste -sd' ')); left as it is. To use its file system, label it home (e2label); to have it formatted, wipe it (blkdiscard)"
fi
echo "copying $home to $disk"
copy
e2label "$disk" home
