# shellcheck shell=bash
# The system's driver: nixosConfigurations.<host>, the system profile, switch-to-configuration.

system_profile=/nix/var/nix/profiles/system
current_system=/run/current-system
booted_system=/run/booted-system
switch_timeout=${NIXOS_AUTO_UPDATE_SWITCH_TIMEOUT:-900} # seconds

use_system() {
  service=$system_unit manager=()
  state_dir=${NIXOS_AUTO_UPDATE_STATE:-$contract_state}
  run_dir=$contract_run
  mirror=$state_dir/mirror.git
  # In /run: a boot does all that a switch would have done.
  switching=$run_dir/switching
  git_protocols=http:https:ssh:git
  mkdir -p "$state_dir" "$run_dir"
}

driver_program() { echo decide; }
driver_repository() { setting repository; }
driver_branch() { setting branch; }
driver_current() { readlink -e "$current_system" || true; }

driver_facts() {
  local metadata=present about='{}'
  if about=$(metadata_all "$([[ $trigger == boot ]] && echo 4 || echo 1)" 2>/dev/null | metadata_facts); then
    touch "$state_dir/instance"
    keep_baseline "$about"
  elif on_google; then
    metadata=away about='{}'
  else
    metadata=none about='{}'
  fi
  jq --null-input --compact-output --slurpfile contract "$contract_file" \
    --argjson about "$about" --arg metadata "$metadata" --argjson settings "$(module_settings)" \
    --argjson state "$(read_json "$state_dir/state.json")" --argjson localHold "$(local_hold)" \
    --argjson force "$force" --arg current "$(driver_current)" --arg profile "$(readlink -e "$system_profile")" '
    { $metadata, $settings, $state, $localHold, $force, contract: $contract[0],
      drifted: ($current != $state.deployed or $profile != $state.deployed) } + $about'
}

# What the module set; the host's name stands in for the VM's where nobody gives one.
module_settings() {
  jq --null-input --compact-output --arg hostname "$(uname -n)" '
    { repository: env.NIXOS_AUTO_UPDATE_REPOSITORY, branch: env.NIXOS_AUTO_UPDATE_BRANCH,
      directory: env.NIXOS_AUTO_UPDATE_DIRECTORY, host: (env.NIXOS_AUTO_UPDATE_HOST // $hostname),
      follow: env.NIXOS_AUTO_UPDATE_FOLLOW } | with_entries(select(.value != null and .value != ""))'
}

# Somebody with root on this machine may hold it by a file, which may say who and why: { by, why, at }.
local_hold() {
  if [[ -e $state_dir/hold.json ]]; then
    read_json "$state_dir/hold.json"
  else
    echo null
  fi
}

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
  [[ ! -e $switching && $1 == "$(driver_current)" && $1 == "$(readlink -e "$system_profile")" ]]
}

driver_switch() { # toplevel
  switch_error=
  profile_set "$system_profile" "$1" || {
    switch_error="could not set the profile $system_profile"
    return 1
  }
  activate_system "$1"
}

# Exit codes of switch-to-configuration: 4, the system is active but units failed; 100, it is active after a reboot.
activate_system() { # toplevel
  local status=0 output=$run_dir/switch.log
  timeout --kill-after=30 "$switch_timeout" "$1/bin/switch-to-configuration" switch &>"$output" || status=$?
  cat "$output" >&2
  case $status in
    0) ;;
    4) result[error]="the system is active, but units failed:"$'\n'$(tail -n 10 "$output") ;;
    100) result[reboot]=true ;;
    124 | 137) switch_error="the switch did not end within $switch_timeout s" ;;
    *) switch_error=$(tail -n 20 "$output")$'\n'"switch-to-configuration ended with status $status" ;;
  esac
  rm -f "$output"
  [[ -z $switch_error ]]
}

driver_roll_back() { # the toplevel that failed
  local old switch_error=
  old=$(previous_system "$1")
  profile_restore "$system_profile" "$old" "$1" || return
  [[ -n $old ]] || return
  log "→ rolling back to $old"
  activate_system "$old" && [[ $(driver_current) == "$old" ]]
}

# What was deployed before; where the agent has deployed nothing yet, what the machine booted.
previous_system() { # the toplevel that failed
  local path
  for path in "$(jq --raw-output '.state.deployed // ""' <<<"$facts")" "$(readlink -e "$booted_system")"; do
    if [[ -x $path/bin/switch-to-configuration && $path != "$1" ]]; then
      printf '%s\n' "$path"
      return
    fi
  done
}

# A kernel or an initrd that is not the booted one waits for a reboot, and so does a switch that said so.
driver_needs_reboot() {
  local part
  if [[ ${result[reboot]-} == true ]]; then
    echo true
    return
  fi
  for part in kernel initrd kernel-modules; do
    if [[ -e $booted_system/$part && $(readlink -e "$booted_system/$part") != "$(readlink -e "$system_profile/$part")" ]]; then
      echo true
      return
    fi
  done
  jq '.state.rebootRequired == true and .state.bootedAt == $bootedAt' --arg bootedAt "$(booted_at "$run_dir/booted-at")" <<<"$facts"
}

driver_concluded() { # state
  local directory
  # Who did not answer a moment ago is not asked for a minute once more.
  [[ $passes != true ]] && publish_report "$system_attribute" "$1" || {
    log "could not publish the report"
    result[retry]=${result[retry]:-the report is not published}
  }
  [[ ${result[outcome]} == unchanged || ${result[outcome]} == updated ]] || return 0
  directory=$(setting directory)
  [[ $action != update && -e $directory ]] || sync_checkout "$directory" "$(setting repository)" "$(setting branch)"
  write_homes "$1"
}
