# shellcheck shell=bash
# How a run ended: the state file, the report, and the exit status.

conclude() {
  local state
  state=$(new_state) || return
  write_file "$state_dir/state.json" <<<"$state" || log "could not write $state_dir/state.json"
  rm -f "$state_dir/built"
  driver_concluded "$state"
  if [[ -n ${result[retry]-} ]]; then
    retry_later "$service" "${result[retry]}"
  else
    retry_no_more "$service"
  fi
}

new_state() {
  jq --null-input --compact-output \
    --argjson state "$(jq --compact-output '.state // {}' <<<"$facts")" \
    --argjson errorBytes "$error_bytes" \
    --arg outcome "${result[outcome]}" --arg stage "${result[stage]-}" --arg error "${result[error]-}" \
    --arg revision "${result[revision]-}" --arg lock "${result[lock]-}" --arg refuse "${result[refuse]-}" \
    --arg approved "$approved" --arg toplevel "$(driver_current)" --arg lockMatches "${result[lockMatches]-}" \
    --argjson rolledBack "${result[rolledBack]:-false}" --argjson rebootRequired "$(driver_needs_reboot)" \
    --arg at "$(now)" --arg bootedAt "$(booted_at "$run_dir/booted-at")" --arg agent "$agent_version" '
    { $outcome, $stage, $error, $refuse, $approved, $rolledBack, $rebootRequired, $at, $bootedAt, $agent, $revision,
      lock: (if $revision == "" then "" else $lock end),
      lockMatches: (if $lockMatches == "" then "" else $lockMatches == "true" end) }
    | with_entries(select(.value != ""))
    | { $state, $errorBytes, result: (. + { $toplevel }) }' |
    query state --compact-output
}

# Something that has no name of its own: most likely a disk that is full.
give_up() {
  retry_later "$service" "the update ended before it could say how"
  die 1 "the update ended before it could say how"
}

# A failure ends with 1, unless the network was all that was missing: that is nobody's fault and ends by itself.
exit_status() {
  if [[ ${result[outcome]-} == failed && -z ${result[offline]-} ]]; then
    echo 1
  else
    echo 0
  fi
}
