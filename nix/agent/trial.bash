# shellcheck shell=bash
# A switch is a trial: what is switched to has to prove itself, or what ran before comes back. While the file is there a trial has not
# ended; whatever cut it short (a kill, a power cut), the next run ends it first. It lies on disk, because what a boot brings up
# after a power cut has not proved itself either.
# { path, revision, lock, mode: switch|boot, boot: the boot it began in, before: what health is compared with,
#   undo?: { stage, error } once it is to be rolled back }

trial_file() { echo "$state_dir/trial.json"; }

# One that waits for a reboot is not unfinished.
trial_unfinished() {
  [[ -e $(trial_file) ]] || return
  declare -gA trial=()
  local text
  text=$(jq --raw-output '"[path]=\(.path | @sh) [revision]=\(.revision | @sh) [lock]=\(.lock // "" | @sh) [mode]=\(.mode | @sh)
    [boot]=\(.boot | @sh) [stage]=\(.undo.stage // "" | @sh) [error]=\(.undo.error // "" | @sh) [before]=\(.before | tojson | @sh)"' \
    "$(trial_file)" 2>/dev/null) && [[ -n $text ]] || {
    log "$(trial_file) is not readable; going on without it"
    rm -f "$(trial_file)"
    return 1
  }
  eval "trial=($text)"
  [[ ${trial[mode]} != boot || ${trial[boot]} != "$(driver_boot)" ]]
}

begin_trial() { # path, revision, mode
  declare -gA trial=([path]=$1 [revision]=$2 [mode]=$3 [lock]=${result[lock]-} [boot]=$(driver_boot) [stage]='' [error]=''
  [before]=$(driver_before))
  write_trial
}

write_trial() {
  jq --null-input --compact-output --arg path "${trial[path]}" --arg revision "${trial[revision]}" --arg lock "${trial[lock]}" \
    --arg mode "${trial[mode]}" --arg boot "${trial[boot]}" --arg stage "${trial[stage]}" --arg error "${trial[error]}" \
    --argjson before "${trial[before]}" '
    { $path, $revision, $lock, $mode, $boot, $before } + if $stage == "" then {} else { undo: { $stage, $error } } end' |
    write_file "$(trial_file)"
}

switch_to() { # path, revision
  begin_trial "$1" "$2" "$(driver_mode "$1")" || { put_off failed switch "cannot write $(trial_file)" || return; }
  carry_out_trial
}

carry_out_trial() {
  if [[ ${trial[mode]} == boot ]]; then
    log "→ switching to ${trial[path]} at the next boot"
  else
    log "→ switching to ${trial[path]}"
  fi
  switch_error='' switch_busy=false
  if ! driver_switch "${trial[path]}" "${trial[mode]}"; then
    fail_trial switch "$switch_error"
  elif [[ ${trial[mode]} == boot ]]; then
    result[reboot]=true
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
  if driver_healthy "${trial[path]}"; then
    rm -f "$(trial_file)"
  else
    fail_trial health "$sickness"
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
  if driver_roll_back "${trial[path]}"; then
    result[rolledBack]=true
    log "rolled back"
    rm -f "$(trial_file)"
  else
    alarm "COULD NOT ROLL BACK from ${trial[path]}: ${rollback_error:-the former one does not come up}"
    result[error]+=$'\n'"and the rollback failed: ${rollback_error:-the former one does not come up}"
    if [[ -n ${rollback_hopeless-} ]]; then
      rm -f "$(trial_file)"
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
  elif driver_came_up "${trial[path]}"; then
    log "${trial[revision]:0:7} came up at boot and has not proved itself yet"
    prove || return 0
  else
    log "an update was cut short before ${trial[revision]:0:7} ran"
    rm -f "$(trial_file)"
    result[outcome]=deferred result[error]="an update was cut short"
    return 0
  fi
  result[revision]=${trial[revision]}
}
