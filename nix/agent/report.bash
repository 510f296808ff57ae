# shellcheck shell=bash
# Reports: what of a state the rest of the world reads.

# The report as JSON; nothing where the state is none.
report_of() { # state
  jq --compact-output --slurpfile contract "$contract_file" '{ state: ., contract: $contract[0] }' <<<"$1" |
    jq -L "$agent_dir" --compact-output 'include "report"; report' | grep -v '^null$'
}

# Publishes a report as a guest attribute, where there is one.
publish() { # key, report or nothing
  [[ -n $2 ]] || return 0
  metadata_publish "$1" <<<"$2" 2>/dev/null || return
  write_file "$run_dir/published-$1" "$2"
}
