# shellcheck shell=bash
# Names that the agent shares with the rest of the project, out of contract.json.

# shellcheck disable=SC2034 # the other parts use them
read_contract() {
  local -A contract=()
  contract_file=$agent_dir/contract.json
  read_names "$contract_file" || die 2 "cannot read $contract_file"
  contract_state=${contract[paths.state]}
  contract_run=${contract[paths.run]}
  contract_lock=${contract[paths.lock]}
  contract_home_state=${contract[paths.homeState]}
  contract_home_credentials=${contract[paths.homeCredentials]}
  contract_settings=${contract[paths.settings]}
  contract_home_settings=${contract[paths.homeSettings]}
  system_unit=${contract[units.system]}
  home_unit=${contract[units.home]}
  instance_key=${contract[instanceMetadata.key]}
  attribute_namespace=${contract[guestAttributes.namespace]}
  system_attribute=${contract[guestAttributes.system]}
  home_attribute_prefix=${contract[guestAttributes.homePrefix]}
  agent_version=${contract[agent]}
}

# Texts into ${contract[section.name]}. A check that finds nothing new should not pay for one more jq, so this takes the file as it
# is laid out: a value a line, sections indented by two.
read_names() { # file
  local line section=''
  local opens='^  "([A-Za-z]+)": \{$' text='^(  )+"([A-Za-z]+)": "([^"]*)",?$'
  while IFS= read -r line; do
    if [[ $line =~ $opens ]]; then
      section=${BASH_REMATCH[1]}.
    elif [[ $line == '  }'* ]]; then
      section=
    elif [[ $line =~ $text ]]; then
      contract[$section${BASH_REMATCH[2]}]=${BASH_REMATCH[3]}
    fi
  done <"$1"
}

# query PROGRAM ARGUMENT…: runs one of the jq programs that lie beside this file.
query() {
  local name=$1
  shift
  jq -L "$agent_dir" --from-file "$agent_dir/$name.jq" "$@"
}
