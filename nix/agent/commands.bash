# shellcheck shell=bash
# What people ask of an agent: how it stands, what it would do, and to leave it at that.

show_status() {
  [[ ! -e $state_dir/hold.json ]] || echo "held       $(read_json "$state_dir/hold.json" | jq --raw-output '
    "by \(.by // "somebody")\(if .at then ", \(.at)" else "" end)\(if (.why // "") != "" then ": \(.why)" else "" end)"')"
  read_json "$state_dir/state.json" | jq --raw-output '
    def short: .[0:7];
    if . == {} then "no update has run yet"
    else
      "revision   \(if .revision == "" then "none deployed" else .revision end)",
      "outcome    \(.outcome)\(if .stage then " (\(.stage))" else "" end), \(.at)",
      if .succeeded and .succeeded != .at then "last good  \(.succeeded)" else empty end,
      if .approved then "approved   \(.approved)" else empty end,
      "runs       \(.toplevel)",
      if .rolledBack then "rolled back" else empty end,
      if .rebootRequired then "a reboot is required" else empty end,
      if (.refused // []) != [] then "refused    \(.refused | map("\(.revision | short) (\(.stage))") | join(", "))" else empty end,
      if .error then "", .error else empty end
    end'
}

# What an update would do now, and how the closure would change. Nothing is switched, and nothing written down.
check() {
  dry=true
  acquire_lock "$lock_file" "a check"
  if trial_unfinished; then
    release_lock
    die 1 "an update was cut short; the next run ends it first"
  fi
  attempt || die 1 "the check ended before it could say how"
  rm -f "$state_dir/built"
  release_lock
  ended_well
}

show_difference() { # store path that runs, store path that would
  local difference
  if [[ $1 == "$2" ]]; then
    log "would change nothing: $2 runs already"
    return
  fi
  log "would switch to $2"
  [[ $(driver_mode "$2") == switch ]] || log "would need a reboot"
  [[ -z $1 ]] || {
    difference=$(nix --extra-experimental-features nix-command store diff-closures "$1" "$2" 2>/dev/null) || true
    printf '%s\n' "${difference:-no package changes its version}"
  }
}

hold() { # why
  local text
  text=$(jq --null-input --arg by "${SUDO_USER:-$(id -un)}" --arg why "$(one_line "$*")" --arg at "$(now)" '{ $by, $why, $at }')
  keep_file "$state_dir/hold.json" "$text" || die 1 "could not write $state_dir/hold.json"
  log "held until \"$program resume\""
  tell_service
}

resume() {
  if [[ -e $state_dir/hold.json ]]; then
    rm -f "$state_dir/hold.json"
    log "not held any more"
  else
    log "was not held on this machine"
  fi
  tell_service
}

# A run says in its report that it is held, and goes on when it is not.
tell_service() {
  systemctl "${manager[@]}" start --no-block "$service.service" 2>/dev/null || true
}

show_log() { # journalctl's arguments…
  journalctl "${manager[@]}" --identifier="$service" "$@"
}
