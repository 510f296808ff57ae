#!/usr/bin/env bash
# publish-host-keys FILE…: publishes public SSH host keys as Google's guest agent does after it has made them
# (GoogleCloudPlatform/guest-agent, google_guest_agent/instance_setup.go): the guest attribute hostkeys/TYPE has the key without type and
# comment. Where FILE is missing it is made from the private key beside it. Retries until that succeeds.
set -euo pipefail

server=${GCE_METADATA_HOST:-169.254.169.254}

public_key() { # file
  if [[ -e $1 ]]; then cat "$1"; else ssh-keygen -y -P '' -f "${1%.pub}"; fi
}

publish() { # file
  local type key
  read -r type key _ < <(public_key "$1") &&
    curl --fail --silent --show-error --noproxy '*' --max-time 10 --output /dev/null \
      --request PUT --header 'Metadata-Flavor: Google' --data-binary "$key" \
      "http://$server/computeMetadata/v1/instance/guest-attributes/hostkeys/$type"
}

pause=1 before=
for file in "$@"; do
  until error=$(publish "$file" 2>&1); do
    # ssh-keygen ends its messages with a carriage return.
    error=${error%$'\r'}
    [[ $error == "$before" ]] || echo "could not publish $file: $error; trying again"
    before=$error
    sleep "$pause"
    ((pause >= 300)) || pause=$((pause * 2))
  done
done
