# shellcheck shell=bash
# Tells Cloud Logging how updates end, and once in a while that this VM is there, as its own service account: for the alerts of a fleet
# that has some (`monitoring` in the instance's metadata). NixOS has no agent of Google's that would send the journal there.

logging_api=${NIXOS_AUTO_UPDATE_LOGGING:-https://logging.googleapis.com}

# A token of this VM's service account. Never on a command line.
vm_token() {
  metadata_request instance/service-accounts/default/token 2>/dev/null | jq --raw-output --exit-status .access_token
}

tell_cloud() { # run or alive, the metadata server's answers, whether only the network was away
  local token entry where state
  [[ $2 == *'"monitoring":true'* ]] || return 0
  where=$(metadata_request instance/id && echo && metadata_request instance/zone && echo && metadata_request project/project-id) || return 0
  read_into state "$state_dir/state.json"
  entry=$(query cloud-log --raw-input --slurp --compact-output --slurpfile contract "$contract_file" --arg event "$1" \
    --arg where "$where" --arg state "$state" --arg offline "${3-}" <<<"$2") && [[ -n $entry ]] || return 0
  token=$(vm_token) &&
    curl --silent --fail --connect-timeout 10 --max-time 30 --output /dev/null --header @<(printf 'Authorization: Bearer %s\n' "$token") \
      --header 'Content-Type: application/json' --data-binary @- "$logging_api/v2/entries:write" <<<"$entry" ||
    log "Cloud Logging does not take what this VM tells it"
}

next_alive=0

# Once an hour, from the watcher.
tell_alive() { # the metadata server's answers
  ((SECONDS >= next_alive)) || return 0
  next_alive=$((SECONDS + $(jq .logging.heartbeat "$contract_file")))
  tell_cloud alive "$1"
}
