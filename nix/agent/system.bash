# shellcheck shell=bash
# The system's driver: nixosConfigurations.<host>, the system profile, switch-to-configuration.

profile=/nix/var/nix/profiles/system
current_system=/run/current-system
booted_system=/run/booted-system
switch_timeout=${NIXOS_AUTO_UPDATE_SWITCH_TIMEOUT:-900} # seconds

use_system() {
  service=$system_unit manager=()
  state_dir=${NIXOS_AUTO_UPDATE_STATE:-$contract_state}
  run_dir=$contract_run
  mirror=$state_dir/mirror.git
  lock_file=$contract_lock
  published_file=$run_dir/published-$system_attribute
  settings_path=${contract_settings#/}
  git_protocols=http:https:ssh:git
  [[ -d $state_dir && -d $run_dir ]] || mkdir -p "$state_dir" "$run_dir"
}

driver_current() { readlink -e "$current_system" || true; }
driver_may_update() { :; }

driver_look() {
  local attempts=1
  told='' on_google=false
  [[ $trigger != boot ]] || attempts=4
  if told=$(metadata_told "$attempts"); then
    [[ -e $state_dir/instance ]] || : >"$state_dir/instance"
    # The last status is that of its own item.
    [[ ${told##*$'\n'} != 200 || -e $state_dir/joined ]] || : >"$state_dir/joined"
    keep_baseline "$told"
  elif on_google; then
    on_google=true told=
  else
    told=
  fi
  read_into state_text "$state_dir/state.json"
  read_into hold_text "$state_dir/hold.json"
  read_into trial_text "$state_dir/trial.json"
  # Where the configuration of what runs says so; a machine before its first switch has none.
  read_into settings_text "$current_system/$settings_path"
  [[ -z $hold_text && -e $state_dir/hold.json ]] && hold_text='{}'
  joined=false
  [[ ! -e $state_dir/joined ]] || joined=true
  current=$(readlink -e "$current_system") || current=
  profile_path=$(readlink -e "$profile") || profile_path=
  booted=$(booted_at)
}

driver_decide() { # jq's arguments…
  query system --raw-input --slurp --raw-output --slurpfile contract "$contract_file" --arg google "$on_google" \
    --arg state "$state_text" --arg hold "$hold_text" --arg trial "$trial_text" --arg settings "$settings_text" \
    --arg current "$current" --arg profile "$profile_path" --arg hostname "$HOSTNAME" --arg boot "$booted" \
    --arg force "$force" --arg wanted "$wanted" --arg right "$right" --arg joined "$joined" "$@" <<<"$told"
}

driver_repository() { setting repository; }
driver_credential() { machine_credential; }
driver_renew() { renew_machine_credential; }
driver_branch() { setting branch; }

driver_built_as() { setting host; }

driver_attribute() {
  printf 'nixosConfigurations."%s".config.system.build.toplevel' "$(setting host)"
}

# An update that leaves its machine without updates could never be repaired from afar.
driver_accepts() { # toplevel
  [[ -e $1/etc/systemd/system/$system_unit.timer || -L $1/etc/systemd/system/$system_unit.timer ]] || {
    refusal="${1##*/} has no $system_unit.timer: services.nixos-auto-update is not enabled in it"
    return 1
  }
}

driver_is_current() { # toplevel
  [[ ! -e $state_dir/trial.json || $(trial_waits_for "$1") == true ]] || return
  [[ $1 == "$(readlink -e "$profile")" ]] || return
  [[ $1 == "$(driver_current)" || -e $state_dir/trial.json ]]
}

# A boot brings up what the profile names: what waited for a reboot, or what a power cut met when it was just to be kept.
driver_boot() { booted_at; }
driver_came_up() { # toplevel
  [[ $1 == "$(driver_current)" && $1 == "$(readlink -e "$profile")" ]]
}

# Whether it is deployed already and waits for a reboot.
trial_waits_for() { # toplevel
  jq --arg path "$1" --arg boot "$(booted_at)" '.mode == "boot" and .path == $path and .boot == $boot' "$state_dir/trial.json" 2>/dev/null
}

driver_mode() { # toplevel
  if needs_boot "$1"; then echo boot; else echo switch; fi
}

# switch-to-configuration's `test` does all that its `switch` does but for the boot loader.
driver_switch() { # toplevel, mode
  switch_error=
  if [[ $2 == boot ]]; then
    set_for_boot "$1"
  else
    activate_system "$1" test
  fi
}

driver_keep() { # toplevel
  switch_error=
  log "→ keeping $1"
  set_for_boot "$1" || {
    # This much was changed, whoever was in the way.
    switch_busy=false
    return 1
  }
}

set_for_boot() { # toplevel
  profile_set "$profile" "$1" || {
    switch_error="could not set the profile $profile"
    return 1
  }
  activate_system "$1" boot
}

driver_let_go() { # toplevel
  local runs
  runs=$(driver_current)
  [[ -z $runs || $(readlink -e "$profile") != "$1" ]] || profile_restore "$profile" "$runs" "$1"
}

# Exit codes of switch-to-configuration: 4, the system is active but units failed, which is for its health to judge; 11, another one
# runs; 100, it is active after a reboot.
activate_system() { # toplevel, mode
  local status=0 output=$run_dir/switch.log
  ask_to_wait
  timeout --kill-after=30 "$switch_timeout" "${waiting[@]}" "$1/bin/switch-to-configuration" "$2" &>"$output" || status=$?
  cat "$output" >&2
  case $status in
    0 | 4) ;;
    11)
      switch_busy=true
      switch_error="another switch-to-configuration is running"
      ;;
    100) result[reboot]=true ;;
    124 | 137) switch_error="the switch did not end within $switch_timeout s" ;;
    *) switch_error=$(tail -n 20 "$output")$'\n'"switch-to-configuration ended with status $status" ;;
  esac
  rm -f "$output"
  [[ -z $switch_error ]]
}

# A shutdown gives a switch that is under way the time that logind.conf's InhibitDelayMaxSec says. In $waiting what to run it by;
# nothing where logind does not answer.
ask_to_wait() {
  waiting=(systemd-inhibit --what=shutdown --mode=delay --who="$program" --why="an update is being switched to")
  "${waiting[@]}" true &>/dev/null || waiting=()
}

driver_before() {
  local metadata=false repository=false failed
  ! metadata_request instance/id &>/dev/null || metadata=true
  ! repository_answers &>/dev/null || repository=true
  failed=$(failed_units)
  jq --null-input --compact-output --argjson metadata "$metadata" --argjson repository "$repository" --arg failed "$failed" '
    { failed: ($failed | split("\n") | map(select(. != ""))), reached: { "metadata server": $metadata, repository: $repository } }'
}

driver_healthy() { # toplevel
  units_are_well && checks_pass "$1/$settings_path" &&
    still_reaches "metadata server" metadata_request instance/id && still_reaches repository repository_answers
}

driver_roll_back() { # the toplevel that failed
  local old switch_error='' mode=switch
  rollback_error='' rollback_hopeless=
  old=$(previous_system "$1")
  profile_restore "$profile" "$old" "$1" || {
    rollback_error="the profile cannot be set back"
    return 1
  }
  [[ ${switch_busy-} != true ]] || return 0
  [[ -n $old ]] || {
    rollback_error="nothing was deployed before" rollback_hopeless=true
    return 1
  }
  log "going back to $old"
  # It booted this machine or ran on it; what it has to change of the kernel waits for a reboot.
  ! needs_boot "$old" || mode=boot
  activate_system "$old" "$mode" || {
    rollback_error=$switch_error
    return 1
  }
  [[ $mode == boot || $(driver_current) == "$old" ]]
}

# What was deployed before; where the agent has deployed nothing yet, what ran or what the machine booted.
previous_system() { # the toplevel that failed
  local path
  for path in "${decision[deployedPath]}" "${trial[former]}" "$(readlink -e "$booted_system")"; do
    if [[ -x $path/bin/switch-to-configuration && $path != "$1" ]]; then
      printf '%s\n' "$path"
      return
    fi
  done
}

driver_concluded() {
  local directory
  # Who did not answer a moment ago is not asked for a minute once more.
  if [[ ${decision[passes]} == true ]] || ! publish "$system_attribute" "${conclusion[report]}"; then
    log "could not publish the report"
    result[retry]=${result[retry]:-the report is not published}
  fi
  tell_cloud run "$told" "${result[offline]-}"
  [[ ${result[outcome]} == unchanged || ${result[outcome]} == updated ]] || return 0
  directory=${decision[settings.directory]}
  [[ ${decision[action]} != update && -e $directory ]] || sync_checkout "$directory" "$(setting repository)" "$(setting branch)"
  hand_over_credentials "${conclusion[homes]}"
  write_file "$run_dir/homes.json" "${conclusion[homes]}"
  announce_reboot
}
