# shellcheck shell=bash
# Names that the agent shares with the rest of the project, out of contract.json.

# shellcheck disable=SC2034 # the other parts use them
read_contract() {
  contract_file=$agent_dir/contract.json
  {
    read -r contract_state
    read -r contract_run
    read -r contract_lock
    read -r contract_home_state
    read -r contract_settings
    read -r contract_home_settings
    read -r system_unit
    read -r home_unit
    read -r instance_key
    read -r attribute_namespace
    read -r system_attribute
    read -r home_attribute_prefix
    read -r agent_version
  } < <(jq --raw-output '
    (.paths | .state, .run, .lock, .homeState, .settings, .homeSettings), (.units | .system, .home), .instanceMetadata.key,
    (.guestAttributes | .namespace, .system, .homePrefix), .agent' "$contract_file") ||
    die 2 "cannot read $contract_file"
}

# query PROGRAM ARGUMENT…: runs one of the jq programs that lie beside this file.
query() {
  local name=$1
  shift
  jq -L "$agent_dir" --from-file "$agent_dir/$name.jq" "$@"
}
