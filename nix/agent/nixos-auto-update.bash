#!/usr/bin/env bash
# Updates this machine from its configuration repository. Commands: see `usage`.
set -euo pipefail

program=nixos-auto-update
agent_dir=${NIXOS_FLEET_AGENT:-$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")}

# shellcheck source=common.bash
. "$agent_dir/common.bash"
# shellcheck source=metadata.bash
. "$agent_dir/metadata.bash"
# shellcheck source=cloud-log.bash
. "$agent_dir/cloud-log.bash"
# shellcheck source=bucket.bash
. "$agent_dir/bucket.bash"
# shellcheck source=secrets.bash
. "$agent_dir/secrets.bash"
# shellcheck source=report.bash
. "$agent_dir/report.bash"
# shellcheck source=reboot.bash
. "$agent_dir/reboot.bash"
# shellcheck source=system.bash
. "$agent_dir/system.bash"
# shellcheck source=checkout.bash
. "$agent_dir/checkout.bash"
# shellcheck source=homes.bash
. "$agent_dir/homes.bash"
# shellcheck source=home-credentials.bash
. "$agent_dir/home-credentials.bash"
# shellcheck source=requests.bash
. "$agent_dir/requests.bash"
# shellcheck source=watch.bash
. "$agent_dir/watch.bash"
# shellcheck source=bootstrap.bash
. "$agent_dir/bootstrap.bash"

usage() {
  cat <<'END'
usage: nixos-auto-update COMMAND
  status              what runs, and how the last update went
  check               what an update would do now, and how the closure would change; changes nothing
  run [OPTION…]       update now, if there is anything to update to
    --force             try a refused revision again
    --revision REV      go to this revision (40 digits); the next run goes where it should go again, unless held
    --by WHO            who asks, for the journal
    --once              do not try again by itself where only the network was missing
    --trigger WHAT      boot, schedule, watch, ssh or manual
  trigger [OPTION…]   have the service update, and wait; takes --trigger and --by
  hold [WHY…]         no update any more, until resume
  resume              end the hold, and update
  log [ARGUMENT…]     the journal of all runs; arguments are journalctl's
  publish USER        publish the report of a user's home (a service)
  serve               start the homes that a first login has made (a service)
  reboot              reboot, if an update needs it and it is allowed now (a service)
  watch               wait for approvals, and trigger (a service)
  bootstrap           update until something is deployed (the first boot)
END
}

# Runs until nobody asks any more: a request that comes while a run is under way may be newer than what that run decided on.
run() {
  local status
  right=approved
  [[ -z $trigger ]] || grant "$trigger"
  take_requests
  [[ -n $trigger ]] || guess_trigger
  grant "$trigger"
  # A timer may have fired while someone else asked, too.
  [[ $right == head ]] || grant "$(fired_timer)"
  log "update asked by ${asked_by:-nobody in particular} ($trigger)"
  acquire_lock "$lock_file" "$trigger by ${asked_by:-nobody in particular}"
  while :; do
    attempt || give_up
    status=0
    ended_well || status=1
    requests_pending || break
    asked_by=
    take_requests
    log "meanwhile asked by $asked_by ($trigger)"
  done
  release_lock
  serve_homes
  reboot_if_allowed
  return "$status"
}

# What the service's own timer runs.
reboot() {
  driver_look
  decide || die 1 "nothing is known of this machine"
  reboot_if_allowed
}

main() {
  local command=${1-}
  (($# == 0)) || shift
  case $command in
    run | trigger) read_options "$@" ;;
    publish) (($# == 1)) || die 2 "publish: must be followed by a user's name" ;;
    status | check | resume | serve | reboot | watch | bootstrap) takes_nothing "$command" "$@" ;;
    hold | log) ;;
    -h | --help | help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  [[ $command == status || $command == log ]] || ((EUID == 0)) || die 2 "$command: must be run as root (sudo $program $command)"
  read_contract
  use_system
  case $command in
    trigger) trigger_update "${trigger:-ssh}" "${asked_by:-${SUDO_USER:-somebody}}" ;;
    publish) publish_home "$1" ;;
    status) show_status ;;
    log) show_log "$@" ;;
    *) "$command" "$@" ;;
  esac
}

main "$@"
