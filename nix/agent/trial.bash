# shellcheck shell=bash
# A switch is a trial: what is switched to has to prove itself, or what ran before comes back. Until then a boot brings up what ran
# before, so that nothing that hangs can keep the machine from booting; only what waits for a reboot has to go the other way round.
# While the file is there a trial has not ended; whatever cut it short (a kill, a power cut), the next run ends it first. It lies on disk,
# because what a boot brings up may not have proved itself.
# { path, revision, lock, mode: switch|boot, boot: the boot it began in, former: what ran then, before: what health is compared with,
#   undo?: { stage, error } once it is to be rolled back }

# One that waits for a reboot is not unfinished.
trial_unfinished() {
  [[ -e $state_dir/trial.json ]] || return
  declare -gA trial=()
  local text
  text=$(jq --raw-output '"[path]=\(.path | @sh) [former]=\(.former // "" | @sh) [revision]=\(.revision | @sh) [lock]=\(.lock // "" | @sh) [mode]=\(.mode | @sh)
    [boot]=\(.boot | @sh) [stage]=\(.undo.stage // "" | @sh) [error]=\(.undo.error // "" | @sh) [before]=\(.before | tojson | @sh)"' \
    "$state_dir/trial.json" 2>/dev/null) && [[ -n $text ]] || {
    log "$state_dir/trial.json is not readable; going on without it"
    rm -f "$state_dir/trial.json"
    return 1
  }
  eval "trial=($text)"
  [[ ${trial[mode]} != boot || ${trial[boot]} != "$(driver_boot)" ]]
}

begin_trial() { # path, revision, mode
  declare -gA trial=([path]=$1 [revision]=$2 [mode]=$3 [lock]=${result[lock]-} [stage]='' [error]=''
    [former]=$(driver_current) [boot]=$(driver_boot) [before]=$(driver_before))
  write_trial
}

write_trial() {
  local text
  text=$(jq --null-input --compact-output --arg path "${trial[path]}" --arg former "${trial[former]}" \
    --arg revision "${trial[revision]}" --arg lock "${trial[lock]}" --arg mode "${trial[mode]}" --arg boot "${trial[boot]}" \
    --arg stage "${trial[stage]}" --arg error "${trial[error]}" --argjson before "${trial[before]}" '
    { $path, $former, $revision, $lock, $mode, $boot, $before } + if $stage == "" then {} else { undo: { $stage, $error } } end') &&
    keep_file "$state_dir/trial.json" "$text"
}

switch_to() { # path, revision
  begin_trial "$1" "$2" "$(driver_mode "$1")" || { put_off failed switch "cannot write $state_dir/trial.json" || return; }
  carry_out_trial
}

carry_out_trial() {
  if [[ ${trial[mode]} == boot ]]; then
    log "→ switching to ${trial[path]} at the next boot"
  else
    log "→ switching to ${trial[path]}"
  fi
  # What is known of what runs holds no longer.
  switch_error='' switch_busy=false current=
  if ! driver_switch "${trial[path]}" "${trial[mode]}"; then
    fail_trial switch "$switch_error"
  elif [[ ${trial[mode]} == boot ]]; then
    result[reboot]=true result[deployed]=${trial[path]}
    log "deployed ${trial[revision]:0:7}; it runs after a reboot"
  else
    log "switched to ${trial[revision]:0:7}"
    prove
  fi
}

# Whether what runs now does well; else what ran before comes back.
prove() {
  log "→ checking health"
  sickness=
  if ! driver_healthy "${trial[path]}"; then
    fail_trial health "$sickness"
  elif [[ ${trial[mode]} == switch ]] && ! driver_keep "${trial[path]}"; then
    fail_trial switch "$switch_error"
  else
    rm -f "$state_dir/trial.json"
  fi
}

fail_trial() { # stage, why
  trial[stage]=$1 trial[error]=$2
  write_trial || true
  undo_trial
}

# Nothing was changed where another switch was running: the revision stays wanted.
undo_trial() {
  failed "${trial[stage]}" "${trial[error]}" "${trial[revision]}" || true
  [[ ${switch_busy-} != true ]] || result[refuse]='' result[retry]="another switch is running"
  log "→ rolling back"
  current=
  if driver_roll_back "${trial[path]}"; then
    result[rolledBack]=true
    log "rolled back"
    rm -f "$state_dir/trial.json"
  else
    alarm "COULD NOT ROLL BACK from ${trial[path]}: ${rollback_error:-the former one does not come up}"
    result[error]+=$'\n'"and the rollback failed: ${rollback_error:-the former one does not come up}"
    if [[ -n ${rollback_hopeless-} ]]; then
      rm -f "$state_dir/trial.json"
    else
      result[retry]="the rollback failed"
    fi
  fi
  return 1
}

# Ends a trial that was cut short: its outcome is in $result.
finish_trial() {
  result[outcome]=updated result[lock]=${trial[lock]}
  if [[ -n ${trial[stage]} ]]; then
    log "a rollback was cut short; doing it again"
    undo_trial || return 0
  elif [[ ${trial[boot]} == "$(driver_boot)" ]]; then
    log "an update was cut short; doing it again"
    carry_out_trial || return 0
  elif ! driver_came_up "${trial[path]}"; then
    log "an update was cut short before ${trial[revision]:0:7} was there to stay"
    [[ ${trial[mode]} == boot ]] || driver_let_go "${trial[path]}" || true
    rm -f "$state_dir/trial.json"
    result[outcome]=deferred result[error]="an update was cut short"
    return 0
  elif [[ ${trial[mode]} == boot ]]; then
    log "${trial[revision]:0:7} came up at boot and has not proved itself yet"
    prove || return 0
  else
    # A boot goes on where an activation fails; that it does is for a switch to tell.
    log "${trial[revision]:0:7} came up at boot before its switch was proved; switching to it again"
    carry_out_trial || return 0
  fi
  result[revision]=${trial[revision]}
}
