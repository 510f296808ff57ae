#!/usr/bin/env bash
# Updates its user's home from the configuration repository, or from one of its own. Commands: see `usage`.
set -euo pipefail

program=nixos-hm-auto-update
agent_dir=${NIXOS_FLEET_AGENT:-$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")}

# shellcheck source=common.bash
. "$agent_dir/common.bash"
# shellcheck source=home.bash
. "$agent_dir/home.bash"

usage() {
  cat <<'END'
usage: nixos-hm-auto-update COMMAND
  status              what runs, and how the last update went
  check               what an update would do now, and how the closure would change; changes nothing
  run [OPTION…]       update this home now, if there is anything to update to
    --force             try a refused revision again, and go on over a clone with work that is not pushed
    --revision REV      go to this revision (40 digits); the next run goes where it should go again, unless held
    --by WHO            who asks, for the journal
    --once              do not try again by itself where only the network was missing
  hold [WHY…]         no update any more, until resume
  resume              end the hold, and update
  log [ARGUMENT…]     the journal of all runs; arguments are journalctl's
END
}

# Runs until the machine has nothing newer to say: systemd drops a change of the file that its path unit watches while
# the service runs (systemd 41599).
run() {
  local began=$run_dir/began
  [[ -n $asked_by ]] || guess_trigger
  [[ -n $asked_by || ! $homes_file -nt $state_dir/state.json ]] || {
    asked_by="the machine's update"
    # Such a run goes no further than the machine's own run went.
    [[ $(<"$homes_file") != *'"right":"approved"'* ]] || right=approved
  }
  [[ $trigger != retry ]] || right=approved
  [[ $right == head ]] || grant retry
  log "update of this home asked by ${asked_by:-$USER}"
  acquire_lock "$lock_file" "${asked_by:-$USER}"
  while :; do
    touch "$began"
    attempt || give_up
    [[ $homes_file -nt $began ]] || break
    log "meanwhile the machine was updated"
  done
  release_lock
  ended_well
}

main() {
  local command=${1-}
  (($# == 0)) || shift
  case $command in
    run) read_options "$@" ;;
    status | check | resume) takes_nothing "$command" "$@" ;;
    hold | log) ;;
    -h | --help | help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  ((EUID != 0)) || die 2 "this updates the home of a user; root has none"
  read_contract
  use_home
  case $command in
    status) show_status ;;
    log) show_log "$@" ;;
    *) "$command" "$@" ;;
  esac
}

main "$@"
