# shellcheck shell=bash
# Google's metadata server (cloud.google.com/compute/docs/metadata).

metadata_url=http://${GCE_METADATA_HOST:-169.254.169.254}/computeMetadata/v1

# Prints the value at a path; 1 where there is none, 2 where the server is not to be reached.
metadata_get() {
  local answer status
  answer=$(curl -sS --max-time "${2:-10}" -H 'Metadata-Flavor: Google' -w '\n%{http_code}' "$metadata_url/$1" 2>/dev/null) || return 2
  status=${answer##*$'\n'}
  case $status in
    200) printf '%s' "${answer%$'\n'*}" ;;
    404) return 1 ;;
    *) return 2 ;;
  esac
}

# Waits until the attributes of the project differ from those with the ETag `$1` (or for `$2` seconds) and prints
# the new ETag on the first line, then the attributes.
metadata_wait() {
  local headers body etag
  headers=$(mktemp)
  if body=$(curl -sS --fail --max-time $(($2 + 15)) -D "$headers" -H 'Metadata-Flavor: Google' \
    "$metadata_url/project/attributes/?recursive=true&wait_for_change=true&last_etag=$1&timeout_sec=$2" 2>/dev/null); then
    etag=$(tr -d '\r' <"$headers" | awk 'tolower($1) == "etag:" { print $2 }')
    rm -f "$headers"
    printf '%s\n%s' "$etag" "$body"
  else
    rm -f "$headers"
    return 2
  fi
}

# Publishes standard input as a guest attribute; writes are rate-limited, so it is tried again.
publish() {
  local key=$1 value try
  value=$(cat)
  for try in 1 2 3 4; do
    curl -sS --fail --max-time 10 -X PUT -H 'Metadata-Flavor: Google' --data-binary @- -o /dev/null \
      "$metadata_url/instance/guest-attributes/$(contract .guestAttributes.namespace)/$key" 2>/dev/null <<<"$value" && return
    sleep "$try"
  done
  say "the report $key could not be published: the metadata server does not take it"
}
