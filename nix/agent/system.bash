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
  told='' on_google=false
  if told=$(metadata_told "$([[ $trigger == boot ]] && echo 4 || echo 1)"); then
    [[ -e $state_dir/instance ]] || : >"$state_dir/instance"
    keep_baseline "$told"
  elif on_google; then
    on_google=true told=
  else
    told=
  fi
  read_into state_text "$state_dir/state.json"
  read_into hold_text "$state_dir/hold.json"
  read_into trial_text "$(trial_file)"
  # Where the configuration of what runs says so; a machine before its first switch has none.
  read_into settings_text "$current_system/$settings_path"
  [[ -z $hold_text && -e $state_dir/hold.json ]] && hold_text='{}'
  current=$(driver_current) profile_path=$(readlink -e "$profile" || true)
}

driver_decide() { # jq's arguments…
  query system --raw-input --slurp --raw-output --slurpfile contract "$contract_file" --arg google "$on_google" \
    --arg state "$state_text" --arg hold "$hold_text" --arg trial "$trial_text" --arg settings "$settings_text" \
    --arg current "$current" --arg profile "$profile_path" --arg hostname "$HOSTNAME" --arg boot "$(boot_id)" \
    --arg force "$force" --arg wanted "$wanted" "$@" <<<"$told"
}

driver_repository() { setting repository; }
driver_credentials() { use_deploy_key; }
driver_branch() { setting branch; }

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
  [[ ! -e $(trial_file) || $(trial_waits_for "$1") == true ]] || return
  [[ $1 == "$(readlink -e "$profile")" ]] || return
  [[ $1 == "$(driver_current)" || -e $(trial_file) ]]
}

# A boot brings up what the profile names, so a trial that a power cut ended may have come up since.
driver_boot() { boot_id; }
driver_came_up() { # toplevel
  [[ $1 == "$(driver_current)" && $1 == "$(readlink -e "$profile")" ]]
}

# Whether it is deployed already and waits for a reboot.
trial_waits_for() { # toplevel
  jq --arg path "$1" --arg boot "$(boot_id)" '.mode == "boot" and .path == $path and .boot == $boot' "$(trial_file)" 2>/dev/null
}

driver_mode() { # toplevel
  if needs_boot "$1"; then echo boot; else echo switch; fi
}

driver_switch() { # toplevel, mode
  switch_error=
  profile_set "$profile" "$1" || {
    switch_error="could not set the profile $profile"
    return 1
  }
  activate_system "$1" "$2"
}

# Exit codes of switch-to-configuration: 4, the system is active but units failed, which is for its health to judge; 11, another one
# runs; 100, it is active after a reboot.
activate_system() { # toplevel, mode
  local status=0 output=$run_dir/switch.log
  timeout --kill-after=30 "$switch_timeout" "$1/bin/switch-to-configuration" "$2" &>"$output" || status=$?
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

# What was deployed before; where the agent has deployed nothing yet, what the machine booted.
previous_system() { # the toplevel that failed
  local path
  for path in "${decision[deployedPath]}" "$(readlink -e "$booted_system")"; do
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
  [[ ${result[outcome]} == unchanged || ${result[outcome]} == updated ]] || return 0
  directory=$(setting directory)
  [[ ${decision[action]} != update && -e $directory ]] || sync_checkout "$directory" "$(setting repository)" "$(setting branch)"
  write_file "$(homes_file)" <<<"${conclusion[homes]}"
  announce_reboot
}
