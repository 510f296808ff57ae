#!/bin/sh
# Until the VM's first update is done: runs the fleet's startup script. Each VM carries this, without its comments.
[ ! -e /var/lib/nixos-auto-update/bootstrapped ] || exit 0
PATH=/run/current-system/sw/bin:${PATH:-/usr/bin:/bin}
item=@item@ n=0
die() {
  echo "nixos-fleet: $*" >&2
  exit 1
}
command -v curl >/dev/null || die "this image has no curl"
umask 022
mkdir -p /run/nixos-fleet
cd /run/nixos-fleet || exit
# The server may be away, and a new item takes a while to be seen everywhere: ten minutes and more.
until curl -sfm 15 --noproxy '*' -H 'Metadata-Flavor: Google' -o new \
  "http://${GCE_METADATA_HOST:-169.254.169.254}/computeMetadata/v1/project/attributes/$item" &&
  echo '@sha256@  new' | sha256sum -c --status; do
  n=$((n + 1))
  [ $n -lt 120 ] || die "project metadata item $item is missing or not the expected one; run pulumi up"
  sleep 5
done
# A script that runs already keeps its file.
mv new startup
exec sh /run/nixos-fleet/startup
