# shellcheck shell=bash
# The metadata server.

metadata_server=http://${GCE_METADATA_HOST:-169.254.169.254}/computeMetadata/v1

# One request, never through a proxy. Status 22: the server says no (a missing item is a 404); other: it does not answer.
metadata_request() { # path, curl's arguments…
  local path=$1
  shift
  curl --silent --show-error --fail --noproxy '*' --connect-timeout 5 --max-time 15 \
    --header 'Metadata-Flavor: Google' "$@" "$metadata_server/$path"
}

# What a decision needs to know of the project and of this VM, each answer followed by a line with its status, over one connection:
# see metadata.jq. Not all there is: the startup script alone is many times as long. `attempts`: how often to try while the
# network comes up. Fails where no server answers; what a server did not answer whole tells nothing.
metadata_told() { # attempts
  local told status=0
  told=$(curl --silent --noproxy '*' --connect-timeout 5 --max-time 15 --header 'Metadata-Flavor: Google' --write-out '\n%{http_code}\n' \
    --retry "$(($1 - 1))" --retry-connrefused --retry-max-time 30 "$metadata_server/project/attributes/?recursive=true&alt=json" \
    "$metadata_server/instance/name" "$metadata_server/instance/attributes/$instance_key" 2>/dev/null) || status=$?
  [[ $told =~ $'\n'[1-5][0-9][0-9]($'\n'|$) ]] || return
  ((status == 0)) || told="an answer was cut short"
  printf '%s\n' "$told"
}

# Whether there must be a metadata server, even if it does not answer now.
on_google() {
  [[ -e $state_dir/instance || $(cat /sys/class/dmi/id/product_name 2>/dev/null) == 'Google Compute Engine' ]]
}

# Waits until something in the project's attributes changes or the time is over, and prints their ETag.
metadata_wait() { # last etag, seconds; without etag the present one at once
  local query='?recursive=true&alt=json'
  [[ -z $1 ]] || query+="&wait_for_change=true&last_etag=$1&timeout_sec=$2"
  metadata_request "project/attributes/$query" --max-time "$(($2 + 30))" --output /dev/null --write-out '%header{etag}'
}

# Publishes a guest attribute; the value comes on standard input.
metadata_publish() { # key
  metadata_request "instance/guest-attributes/$attribute_namespace/$1" \
    --request PUT --data-binary @- --retry 5 --retry-connrefused --retry-max-time 60 --output /dev/null
}
