# shellcheck shell=bash
# Reports: what of a state the rest of the world reads.

# The report as JSON; nothing where the state is none.
report_of() { # state
  jq --compact-output --slurpfile contract "$contract_file" '{ state: ., contract: $contract[0] }' <<<"$1" |
    query report --compact-output | grep -v '^null$'
}

# Publishes a report as a guest attribute. One that only says again, in the same boot, that nothing has changed is spared.
publish_report() { # key, state
  local key=$1 report last=$run_dir/published-$1
  report=$(report_of "$2") || return
  if [[ -e $last ]] && same_but_time "$report" "$(<"$last")"; then
    return
  fi
  metadata_publish "$key" <<<"$report" 2>/dev/null || return
  write_file "$last" <<<"$report"
}

same_but_time() { # report, report
  jq --exit-status --null-input --argjson a "$1" --argjson b "$2" \
    '$a.outcome == "unchanged" and ($a | del(.at)) == ($b | del(.at))' >/dev/null
}
