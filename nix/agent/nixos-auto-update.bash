#!/usr/bin/env bash
# Updates this machine from its configuration repository. Commands: see `usage`.
set -euo pipefail

program=nixos-auto-update
agent_dir=${NIXOS_FLEET_AGENT:-$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")}

# shellcheck source=log.bash
. "$agent_dir/log.bash"
# shellcheck source=contract.bash
. "$agent_dir/contract.bash"
# shellcheck source=files.bash
. "$agent_dir/files.bash"
# shellcheck source=lock.bash
. "$agent_dir/lock.bash"
# shellcheck source=metadata.bash
. "$agent_dir/metadata.bash"
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
# shellcheck source=report.bash
. "$agent_dir/report.bash"
# shellcheck source=system.bash
. "$agent_dir/system.bash"
# shellcheck source=checkout.bash
. "$agent_dir/checkout.bash"
# shellcheck source=homes.bash
. "$agent_dir/homes.bash"
# shellcheck source=trigger.bash
. "$agent_dir/trigger.bash"
# shellcheck source=requests.bash
. "$agent_dir/requests.bash"
# shellcheck source=watch.bash
. "$agent_dir/watch.bash"
# shellcheck source=bootstrap.bash
. "$agent_dir/bootstrap.bash"
# shellcheck source=status.bash
. "$agent_dir/status.bash"

usage() {
  cat <<'END'
usage: nixos-auto-update COMMAND
  run [--trigger boot|schedule|watch|ssh|manual] [--by WHO] [--force] [--once]
                      update now, if there is anything to update to; --force tries a refused revision again, and with
                      --once the agent does not try again by itself where only the network was missing
  trigger [--trigger …] [--by WHO]
                      have the service do that, and wait
  status              what runs, and how the last update went
  watch               wait for approvals, and trigger (a service)
  bootstrap           update until something is deployed (the first boot)
  publish USER        publish the report of a user's home
END
}

trigger='' asked_by='' force=false once=false

read_options() {
  while (($# > 0)); do
    case $1 in
      --trigger)
        [[ ${2-} =~ ^(boot|schedule|watch|ssh|manual)$ ]] ||
          die 2 "--trigger: \"${2-}\" must be boot, schedule, watch, ssh or manual"
        trigger=$2
        shift
        ;;
      --by)
        (($# > 1)) || die 2 "--by: must be followed by who asks"
        asked_by=$(one_line "$2")
        shift
        ;;
      --force) force=true ;;
      --once) once=true ;;
      *) die 2 "\"$(one_line "$1")\" is no option; see nixos-auto-update --help" ;;
    esac
    shift
  done
}

guess_trigger() {
  ! is_retry || { trigger=retry && return; }
  trigger=$(fired_timer --system "$system_unit")
  case $trigger in
    schedule) asked_by='its schedule' ;;
    boot) asked_by='its timer after boot' ;;
    *) trigger=manual asked_by=${SUDO_USER:-} ;;
  esac
}

# Runs until nobody asks any more: a request that comes while a run is under way may be newer than what that run decided on.
run() {
  local status
  take_requests
  [[ -n $trigger ]] || guess_trigger
  log "update asked by ${asked_by:-nobody in particular} ($trigger)"
  acquire_lock "$contract_lock" "$trigger by ${asked_by:-nobody in particular}"
  while :; do
    attempt || give_up
    status=$(exit_status)
    requests_pending || break
    asked_by=
    take_requests
    log "meanwhile asked by $asked_by ($trigger)"
  done
  release_lock
  serve_homes
  return "$status"
}

main() {
  local command=${1-}
  (($# == 0)) || shift
  case $command in
    run | trigger) read_options "$@" ;;
    publish) (($# == 1)) || die 2 "publish: must be followed by a user's name" ;;
    watch | bootstrap | status) (($# == 0)) || die 2 "$command: takes no argument" ;;
    -h | --help | help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  read_contract
  use_system
  case $command in
    run) run ;;
    trigger) trigger_update "${trigger:-ssh}" "${asked_by:-${SUDO_USER:-somebody}}" ;;
    publish) publish_home "$1" ;;
    status) show_status ;;
    *) "$command" ;;
  esac
}

main "$@"
