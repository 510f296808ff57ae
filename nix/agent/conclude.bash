# shellcheck shell=bash
# How a run ended: the state file, the report, and the exit status.

# In $conclusion: state, report (nothing where there is no news), metrics, homes.
declare -A conclusion

conclude() {
  local answer
  answer=$(conclusion_of) || return
  eval "conclusion=($answer)"
  keep_state || log "could not write $state_dir/state.json"
  [[ ! -L $state_dir/built ]] || rm -f "$state_dir/built"
  write_metrics
  driver_concluded
  tell_failure
  if [[ -n ${result[retry]-} ]]; then
    retry_later "$service" "${result[retry]}"
  else
    retry_no_more "$service"
  fi
}

# The time of a check that found nothing new may be lost to a power cut; what an update did may not.
keep_state() {
  if [[ ${result[outcome]} == unchanged && -z ${result[revision]-} ]]; then
    write_file "$state_dir/state.json" "${conclusion[state]}"
  else
    keep_file "$state_dir/state.json" "${conclusion[state]}"
  fi
}

conclusion_of() {
  local name reported=() last
  read_into last "$published_file"
  for name in outcome stage error refuse revision deployed; do
    [[ -z ${result[$name]-} ]] || reported+=(--arg "$name" "${result[$name]}")
  done
  [[ -z ${decision[approved]} ]] || reported+=(--arg approved "${decision[approved]}")
  [[ -z ${result[revision]-} ]] || reported+=(--arg lock "${result[lock]-}")
  [[ ${decision[action]} == wait ]] || reported+=(--arg repository "$(driver_repository)" --arg attribute "$(driver_built_as)")
  [[ -z ${result[lockMatches]-} ]] || reported+=(--argjson lockMatches "${result[lockMatches]}")
  # What is about this run goes in as it is named in a state; what is not, behind an underscore.
  query conclude --null-input --raw-output --slurpfile _contract "$contract_file" --argjson _state "${decision[state]}" \
    --arg _published "$last" --arg _name "${service//-/_}" --arg _mirror "$mirror" --argjson _retry "${decision[retry]}" \
    --arg _right "${right-}" --argjson _homes "${decision[settings.homes]:-[]}" --arg _knownHosts "${decision[settings.knownHosts]-}" "${reported[@]}" \
    --arg toplevel "${current:-$(driver_current)}" --argjson rolledBack "${result[rolledBack]:-false}" \
    --argjson rebootRequired "$(driver_needs_reboot)" --arg at "$(now)" --arg bootedAt "${booted:-$(booted_at)}" \
    --arg agent "$agent_version"
}

# For node_exporter's textfile collector.
write_metrics() {
  local directory
  directory=${decision[settings.metricsDirectory]-}
  [[ -n $directory ]] || return 0
  mkdir -p "$directory" && write_file "$directory/$service.prom" "${conclusion[metrics]}" ||
    log "could not write the metrics to $directory"
}

# Has the configured command hear of a failure: in its environment what failed, on its standard input the report.
tell_failure() {
  local command
  command=${decision[settings.notify]-}
  [[ -n $command && ${result[outcome]-} == failed && -n ${conclusion[report]} && -z ${result[offline]-} ]] || return 0
  NIXOS_AUTO_UPDATE_STAGE=${result[stage]} NIXOS_AUTO_UPDATE_REVISION=${decision[revision]} \
    timeout --kill-after=5 60 "$BASH" -c "$command" <<<"${conclusion[report]}" >&2 || log "notify: the command failed"
}

# Something that has no name of its own: most likely a disk that is full.
give_up() {
  retry_later "$service" "the update ended before it could say how"
  die 1 "the update ended before it could say how"
}

# A failure is one unless the network was all that was missing: that is nobody's fault and ends by itself.
ended_well() {
  [[ ${result[outcome]-} != failed || -n ${result[offline]-} ]]
}
