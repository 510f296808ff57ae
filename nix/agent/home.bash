# shellcheck shell=bash
# The home's driver: homeConfigurations.<attribute>, Home Manager's profile, activate.

use_home() {
  service=$home_unit manager=(--user)
  state_home=${XDG_STATE_HOME:-$HOME/.local/state}
  state_dir=$state_home/$contract_home_state
  run_dir=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/$contract_home_state
  mirror=$state_dir/mirror.git
  git_protocols=http:https:ssh:git:file
  home_profile=$state_home/nix/profiles/home-manager
  current_home=$state_home/home-manager/gcroots/current-home
  # Not in /run: a boot activates no home.
  switching=$state_dir/switching
  homes_file=$contract_run/homes.json
  export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} USER=${USER:-$(id -un)}
  mkdir -p "$state_dir" "$run_dir"
}

driver_program() { echo decide-home; }
driver_current() { readlink -e "$home_profile" || true; }
driver_needs_reboot() { echo false; }

driver_facts() {
  jq --null-input --compact-output --slurpfile contract "$contract_file" \
    --argjson homes "$(read_json "$homes_file")" --argjson state "$(read_json "$state_dir/state.json")" \
    --arg user "$(id -un)" --arg current "$(driver_current)" --argjson force "$force" '
    { $user, $state, $force, homes: (if $homes == {} then null else $homes end), contract: $contract[0],
      drifted: ($current != $state.deployed),
      settings: ({ attribute: env.NIXOS_HM_AUTO_UPDATE_ATTRIBUTE, repository: env.NIXOS_HM_AUTO_UPDATE_REPOSITORY,
          branch: env.NIXOS_HM_AUTO_UPDATE_BRANCH } | with_entries(select(.value != null and .value != ""))) }'
}

# By default the machine's mirror.
driver_repository() {
  local own
  own=$(setting repository)
  if [[ -n $own ]]; then
    printf '%s' "$own"
  else
    jq --raw-output .mirror "$homes_file"
  fi
}

driver_branch() { setting branch; }

driver_attribute() {
  printf 'homeConfigurations."%s".activationPackage' "$(setting attribute)"
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
  local machine machine_revision
  machine=$(jq --raw-output .mirror "$homes_file") machine_revision=$(jq --raw-output .revision "$homes_file")
  result[lockMatches]=$(
    {
      quiet_git --git-dir="$mirror" cat-file blob "$revision:flake.lock"
      quiet_git -c safe.directory="$machine" --git-dir="$machine" cat-file blob "$machine_revision:flake.lock"
    } 2>/dev/null | query lock-matches --slurp
  ) || result[lockMatches]=false
  [[ ${result[lockMatches]} == true ]] || log "flake.lock: nixpkgs or home-manager is not the machine's"
}

driver_is_current() { # activation package
  [[ ! -e $switching && $1 == "$(driver_current)" && $1 == "$(readlink -e "$current_home" || echo "$1")" ]]
}

driver_switch() { # activation package
  local output=$run_dir/switch.log status=0
  switch_error=
  activate_home "$1" &>"$output" || status=$?
  cat "$output" >&2
  [[ $status == 0 ]] || switch_error=$(tail -n 20 "$output")$'\n'"activate ended with status $status"
  rm -f "$output"
  return "$status"
}

# As the home-manager command does: it sets the profile itself, but for generations from before it did, whose activate does.
activate_home() { # activation package
  local driver=()
  if [[ -e $1/gen-version ]]; then
    driver=(--driver-version 1)
    profile_set "$home_profile" "$1" || return
  fi
  # Home Manager puts its profile there only if the folder exists.
  mkdir -p "$(dirname "$home_profile")"
  HOME_MANAGER_BACKUP_EXT=${NIXOS_HM_AUTO_UPDATE_BACKUP_EXTENSION:-before-update} \
    timeout --kill-after=30 900 "$1/activate" "${driver[@]}"
}

driver_roll_back() { # the activation package that failed
  local old
  old=$(jq --raw-output '.state.deployed // ""' <<<"$facts")
  [[ -x $old/activate ]] || old=
  profile_restore "$home_profile" "$old" "$1" || return
  [[ -n $old ]] || return
  log "→ rolling back to $old"
  driver_switch "$old"
}

driver_concluded() { # state
  # Root publishes what the state file says; nothing more is to be done.
  :
}
