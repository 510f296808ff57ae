# shellcheck shell=bash
# The first boot: the same run as ever, until it has deployed something. The startup script starts this once.

bootstrap_pause=300 # seconds at most between two attempts; a change of the approval ends the wait

bootstrap() {
  local etag='' about=''
  [[ ! -e $state_dir/bootstrapped ]] || die 0 "this machine has had its first update"
  while :; do
    "$BASH" "$agent_dir/$system_unit.bash" run --trigger boot --by "the startup script" --once || true
    ! is_deployed || break
    log "nothing is deployed yet; waiting for a change"
    await_change "$(pause_after)"
  done
  keep_file "$state_dir/bootstrapped" "$(now)"
  log "the first update is done"
}

is_deployed() {
  read_json "$state_dir/state.json" | jq --exit-status '.revision // "" | . != ""' >/dev/null
}

# What is only out of reach is tried again soon.
pause_after() {
  read_json "$state_dir/state.json" |
    jq --argjson pause "$bootstrap_pause" 'if .stage == "fetch" or .outcome == null then 15 else $pause end'
}
