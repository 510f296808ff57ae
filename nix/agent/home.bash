# shellcheck shell=bash
# The home's driver: homeConfigurations.<attribute>, Home Manager's profile, activate.

home_switch_timeout=${NIXOS_AUTO_UPDATE_SWITCH_TIMEOUT:-900} # seconds

use_home() {
  service=$home_unit manager=(--user)
  state_home=${XDG_STATE_HOME:-$HOME/.local/state}
  state_dir=$state_home/$contract_home_state
  export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} USER=${USER:-$(id -un)}
  run_dir=$XDG_RUNTIME_DIR/$contract_home_state
  # Without a manager of the user's there is no folder for what a reboot may forget.
  [[ -w $XDG_RUNTIME_DIR ]] || run_dir=$state_dir/run
  mirror=$state_dir/mirror.git
  lock_file=$state_dir/lock published_file=/dev/null
  settings_path=home-files/.config/$contract_home_settings
  git_protocols=http:https:ssh:git:file
  profile=$state_home/nix/profiles/home-manager
  current_home=$state_home/home-manager/gcroots/current-home
  homes_file=$contract_run/homes.json
  mkdir -p "$state_dir" "$run_dir"
}

driver_current() { readlink -e "$profile" || true; }
driver_mode() { echo switch; }
driver_needs_reboot() { echo false; }

driver_look() {
  current=$(driver_current)
  read_into state_text "$state_dir/state.json"
  read_into hold_text "$state_dir/hold.json"
  [[ -z $hold_text && -e $state_dir/hold.json ]] && hold_text='{}'
  read_into homes_text "$homes_file"
  read_into settings_text "$current/$settings_path"
}

driver_decide() { # jq's arguments…
  query home --null-input --raw-output --slurpfile contract "$contract_file" --arg homes "$homes_text" --arg state "$state_text" --arg hold "$hold_text" \
    --arg settings "$settings_text" --arg user "$USER" --arg current "$current" --arg force "$force" --arg wanted "$wanted" --arg right "$right" "$@"
}

# By default the machine's mirror.
driver_repository() {
  local own
  own=$(setting repository)
  printf '%s' "${own:-$(setting mirror)}"
}

# Root hands it over, and after a refusal anew once it has published that.
driver_credential() {
  local handed=$contract_home_credentials/$USER
  [[ -n $(setting deployKeySecret) && -n $(setting repository) ]] || return 0
  if [[ -r $handed/credential ]]; then
    credential=$handed/credential
  else
    read_into credential_error "$handed/error"
    credential_error=${credential_error:-the machine has not handed over yet what the repository asks for}
  fi
}
driver_renew() { false; }

driver_branch() { setting branch; }

driver_built_as() { setting attribute; }

driver_attribute() {
  printf 'homeConfigurations."%s".activationPackage' "$(setting attribute)"
}

# A person's own clone of what the home is made from: what is in it and not yet pushed must not be switched away from.
driver_may_update() {
  local clone
  clone=$(setting directory)
  clone=${clone:-$HOME/.config/home-manager}
  [[ $force == false && -O $clone && -e $clone/.git ]] || return 0
  if [[ -n $(quiet_git -C "$clone" status --porcelain 2>/dev/null) ]]; then
    obstacle="$clone has edits that are not committed: commit and push them, or stash them, and this home goes on by itself (run --force goes on without them)"
    return 1
  elif [[ -n $(quiet_git -C "$clone" log --max-count=1 --format=%h HEAD --not --remotes 2>/dev/null) ]]; then
    obstacle="$clone has commits that are not pushed: push them, and this home goes on by itself (run --force goes on without them)"
    return 1
  fi
}

driver_accepts() { # activation package
  [[ -x $1/activate ]] || {
    refusal="${1##*/} is no home: it has no activate"
    return 1
  }
  [[ -z $(setting repository) ]] || compare_locks
}

# A repository of its own has to have the machine's nixpkgs and home-manager; the report says whether it does.
compare_locks() {
  local machine
  machine=$(setting mirror)
  result[lockMatches]=$(
    {
      quiet_git --git-dir="$mirror" cat-file blob "${decision[revision]}:flake.lock"
      quiet_git -c safe.directory="$machine" --git-dir="$machine" cat-file blob "$(setting machineRevision):flake.lock"
    } 2>/dev/null | query lock-matches --slurp
  ) || result[lockMatches]=false
  [[ ${result[lockMatches]} == true ]] || log "flake.lock: nixpkgs or home-manager is not the machine's"
}

driver_is_current() { # activation package
  [[ ! -e $state_dir/trial.json && $1 == "$(driver_current)" && $1 == "$(readlink -e "$current_home" || echo "$1")" ]]
}

# No boot brings a home up: a trial that was cut short is done again.
driver_boot() { echo none; }
driver_came_up() { false; }
driver_keep() { :; }
driver_let_go() { :; }

driver_switch() { # activation package
  local output=$run_dir/switch.log status=0
  switch_error=
  activate_home "$1" &>"$output" || status=$?
  cat "$output" >&2
  case $status in
    0) ;;
    124 | 137) switch_error="activate did not end within $home_switch_timeout s" ;;
    *) switch_error=$(tail -n 20 "$output")$'\n'"activate ended with status $status" ;;
  esac
  rm -f "$output"
  return "$status"
}

# As the home-manager command does: it sets the profile itself, but for generations from before it did, whose activate does. A file
# that is in the way is moved aside under a name that no earlier one has.
activate_home() { # activation package
  local driver=()
  if [[ -e $1/gen-version ]]; then
    driver=(--driver-version 1)
    profile_set "$profile" "$1" || return
  fi
  # Home Manager puts its profile there only if the folder exists.
  mkdir -p "$(dirname "$profile")"
  HOME_MANAGER_BACKUP_EXT=before-update-$(printf '%(%Y%m%d-%H%M%S)T' -1) \
    timeout --kill-after=30 "$home_switch_timeout" "$1/activate" "${driver[@]}"
}

driver_before() {
  jq --null-input --compact-output --arg failed "$(failed_units)" '{ failed: ($failed | split("\n") | map(select(. != ""))), reached: {} }'
}

driver_healthy() { # activation package
  units_are_well && checks_pass "$1/$settings_path"
}

driver_roll_back() { # the activation package that failed
  local old switch_error=''
  rollback_error='' rollback_hopeless=
  old=$(previous_home "$1")
  profile_restore "$profile" "$old" "$1" || {
    rollback_error="the profile cannot be set back"
    return 1
  }
  [[ -n $old ]] || {
    rollback_error="nothing was deployed before" rollback_hopeless=true
    return 1
  }
  log "going back to $old"
  driver_switch "$old" || {
    rollback_error=$switch_error
    return 1
  }
}

# What was deployed before; where the agent has deployed nothing yet, what its user had activated.
previous_home() { # the activation package that failed
  local path
  for path in "${decision[deployedPath]}" "${trial[former]}"; do
    if [[ -x $path/activate && $path != "$1" ]]; then
      printf '%s\n' "$path"
      return
    fi
  done
}

driver_concluded() {
  # Root publishes what the state file says; nothing more is to be done.
  :
}
