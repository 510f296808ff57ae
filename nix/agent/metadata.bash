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

# All there is about this VM and its project, in one request. `attempts`: how often to try while the network comes up.
metadata_all() { # attempts
  metadata_request '?recursive=true&alt=json' --retry "$1" --retry-connrefused --retry-max-time 30
}

# Whether there must be a metadata server, even if it does not answer now.
on_google() {
  [[ -e $state_dir/instance || $(cat /sys/class/dmi/id/product_name 2>/dev/null) == 'Google Compute Engine' ]]
}

# What the server's answer says about this VM: { vm, instance, attributes }, of the project's attributes only a fleet's.
metadata_facts() { # the answer, on standard input
  jq --compact-output --slurpfile contract "$contract_file" '
    $contract[0] as $contract
    | { vm: .instance.name, instance: (.instance.attributes // {})[$contract.instanceMetadata.key],
        attributes: (.project.attributes // {}
          | with_entries(select(.key | startswith($contract.projectMetadata.prefix + $contract.projectMetadata.separator)))) }'
}

# Waits until something in the project's attributes changes or the time is over. Prints { etag, attributes }.
metadata_wait() { # last etag, seconds; without etag the present answer at once
  local etag=$1 seconds=$2 query='?recursive=true&alt=json'
  [[ -z $etag ]] || query+="&wait_for_change=true&last_etag=$etag&timeout_sec=$seconds"
  metadata_request "project/attributes/$query" --max-time "$((seconds + 30))" --write-out '\n%header{etag}' |
    jq --raw-input --slurp --compact-output 'rtrimstr("\n") | split("\n")
      | { etag: .[-1], attributes: (.[:-1] | join("\n") | fromjson) }'
}

# Publishes a guest attribute; the value comes on standard input.
metadata_publish() { # key
  metadata_request "instance/guest-attributes/$attribute_namespace/$1" \
    --request PUT --data-binary @- --retry 5 --retry-connrefused --retry-max-time 60 --output /dev/null
}
