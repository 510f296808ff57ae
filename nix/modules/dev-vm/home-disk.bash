#!/usr/bin/env bash
# home-disk DISK HOME: prepares the disk for homes; its file system then has the label `home`. A blank disk is formatted, with the
# label `home-new` until it has a copy of what HOME has, so that after a power cut everything is copied again. Nothing else is formatted.
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

# Copies everything: after a copy that was cut short, neither sizes nor times of files show what is complete.
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
