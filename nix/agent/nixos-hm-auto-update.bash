#!/usr/bin/env bash
# Updates its user's home from the configuration repository, or from one of its own. Commands: see `usage`.
set -euo pipefail

program=nixos-hm-auto-update
agent_dir=${NIXOS_FLEET_AGENT:-$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")}

# shellcheck source=log.bash
. "$agent_dir/log.bash"
# shellcheck source=contract.bash
. "$agent_dir/contract.bash"
# shellcheck source=files.bash
. "$agent_dir/files.bash"
# shellcheck source=lock.bash
. "$agent_dir/lock.bash"
# shellcheck source=git.bash
. "$agent_dir/git.bash"
# shellcheck source=build.bash
. "$agent_dir/build.bash"
# shellcheck source=profile.bash
. "$agent_dir/profile.bash"
# shellcheck source=engine.bash
. "$agent_dir/engine.bash"
# shellcheck source=conclude.bash
. "$agent_dir/conclude.bash"
# shellcheck source=retry.bash
. "$agent_dir/retry.bash"
# shellcheck source=home.bash
. "$agent_dir/home.bash"
# shellcheck source=trigger.bash
. "$agent_dir/trigger.bash"
# shellcheck source=status.bash
. "$agent_dir/status.bash"

usage() {
  cat <<'END'
usage: nixos-hm-auto-update COMMAND
  run [--by WHO] [--force] [--once]
          update this home now, if there is anything to update to; --force tries a refused revision again, and with
          --once the agent does not try again by itself where only the network was missing
  status  what runs, and how the last update went
END
}

asked_by='' force=false once=false

read_options() {
  while (($# > 0)); do
    case $1 in
      --by)
        (($# > 1)) || die 2 "--by: must be followed by who asks"
        asked_by=$(one_line "$2")
        shift
        ;;
      --force) force=true ;;
      --once) once=true ;;
      *) die 2 "\"$(one_line "$1")\" is no option; see nixos-hm-auto-update --help" ;;
    esac
    shift
  done
}

guess_trigger() {
  ! is_retry || return 0
  case $(fired_timer --user "$home_unit") in
    schedule) asked_by='its schedule' ;;
    boot) asked_by='its timer after boot' ;;
    *) [[ ! $homes_file -nt $state_dir/state.json ]] || asked_by="the machine's update" ;;
  esac
}

# Runs until the machine has nothing newer to say: systemd drops a change of the file that its path unit watches while
# the service runs (systemd 41599).
run() {
  local began=$run_dir/began
  [[ -n $asked_by ]] || guess_trigger
  log "update of this home asked by ${asked_by:-$(id -un)}"
  acquire_lock "$state_dir/lock" "${asked_by:-$(id -un)}"
  while :; do
    touch "$began"
    attempt || give_up
    [[ $homes_file -nt $began ]] || break
    log "meanwhile the machine was updated"
  done
  release_lock
  return "$(exit_status)"
}

main() {
  local command=${1-}
  (($# == 0)) || shift
  case $command in
    run) read_options "$@" ;;
    status) (($# == 0)) || die 2 "status: takes no argument" ;;
    -h | --help | help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  ((EUID != 0)) || die 2 "this updates the home of a user; root has none"
  read_contract
  use_home
  case $command in
    run) run ;;
    status) show_status ;;
  esac
}

main "$@"
