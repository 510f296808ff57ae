# shellcheck shell=bash
# The driver of one user's home. Root's homes.json says which revision homes may run, so that the infra team's lock
# governs them.

export XDG_STATE_HOME=${XDG_STATE_HOME:-$HOME/.local/state}
profile=$XDG_STATE_HOME/nix/profiles/home-manager
state_dir=$XDG_STATE_HOME/$(contract .paths.homeState)
mirror=$state_dir/mirror.git

load_home() {
  local homes entry
  homes=$(contract .paths.homes)
  [ -e "$homes" ] || {
    say "the machine has not said yet what homes may run; this home is served after its next update"
    return 1
  }
  mkdir -p "$state_dir"
  entry=$(jq --arg user "$(id -un)" 'first(.homes[] | select(.user == $user)) // {}' "$homes")
  attribute=$(jq -r --arg set "${NIXOS_HM_AUTO_UPDATE_ATTRIBUTE:-}" --arg user "$(id -un)" \
    '.attribute // (if $set == "" then $user else $set end)' <<<"$entry")
  attribute="homeConfigurations.\"$attribute\".activationPackage"
  repository=$(jq -r --arg set "${NIXOS_HM_AUTO_UPDATE_REPOSITORY:-}" '.repository // $set' <<<"$entry")
  branch=$(jq -r --arg set "${NIXOS_HM_AUTO_UPDATE_BRANCH:-}" '.branch // (if $set == "" then "main" else $set end)' <<<"$entry")
  if [ -z "$repository" ]; then
    repository=$(jq -r .mirror "$homes")
    branch=nixos-fleet/target
    # The machine's mirror is root's; git wants to be told that reading it is meant.
    printf '[safe]\n\tdirectory = %s\n' "$repository" | write_file "$state_dir/gitconfig"
    export GIT_CONFIG_GLOBAL=$state_dir/gitconfig
    target=$(jq -r .revision "$homes")
  else
    target=$(repository_head) || return 1
  fi
  approved=$(jq -r '.approved // ""' "$homes")
}

home_decision() {
  state_read | jq --arg target "$target" --arg approved "$approved" '
    . as $state
    | (if $approved == "" then {} else { $approved } end)
    + if $target == $state.revision
      then { action: "stay", outcome: "unchanged", reason: "nothing new", $target, explicit: true }
      elif [($state.refused // [])[] | select(.revision == $target)] != []
      then ($state.refused[] | select(.revision == $target)) as $refused
        | { action: "stay", outcome: "failed", stage: $refused.stage, error: $refused.error, reason: "\($target[0:7]) was tried before and is refused" }
      else { action: "update", $target, explicit: true, reason: "allowed by the machine" } end'
}

driver_current() {
  readlink -f "$profile" 2>/dev/null || true
}

driver_check() {
  [ -x "$1/activate" ] || {
    say "the target has no activate: it is no home"
    return 1
  }
}

# activate sets the profile itself, as Home Manager's does; files in its way are kept under another name.
driver_switch() {
  HOME_MANAGER_BACKUP_EXT=${HOME_MANAGER_BACKUP_EXT:-before-nixos-fleet} timeout -k 30 600 "$1/activate"
}

# Root publishes the state file when it changes.
driver_report() {
  :
}

run_home() {
  load_home || return 0
  take_lock "$state_dir/lock" "process of $(id -un)" || return
  carry_out "$(home_decision)"
}
