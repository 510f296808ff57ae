#!/usr/bin/env bash
# Keeps this machine at the configuration that its fleet approved. See docs/agent.md.
set -euo pipefail

agent_dir=${NIXOS_FLEET_AGENT:-$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")}
# shellcheck source=common.bash
source "$agent_dir/common.bash"
# shellcheck source=metadata.bash
source "$agent_dir/metadata.bash"
# shellcheck source=repository.bash
source "$agent_dir/repository.bash"
# shellcheck source=engine.bash
source "$agent_dir/engine.bash"
# shellcheck source=homes.bash
source "$agent_dir/homes.bash"
# shellcheck source=system.bash
source "$agent_dir/system.bash"
# shellcheck source=watch.bash
source "$agent_dir/watch.bash"
# shellcheck source=bootstrap.bash
source "$agent_dir/bootstrap.bash"

usage="usage: nixos-auto-update run [--by WHO] [--force] | trigger --by WHO | watch | bootstrap | publish USER | status"

# Starts the service and waits for it; its journal says who asked.
trigger() {
  mkdir -p "$run_dir"
  ask "${TRIGGER:-manual}" "$1"
  systemctl start "$(contract .units.system).service"
}

status() {
  state_read | jq -r 'if . == {} then "never updated" else
    "runs      \(.revision[0:7]) \(.toplevel)",
    "last run  \(.at): \(.outcome)\(if .stage then " at \(.stage)" else "" end)",
    "approved  \((.approved // "nothing")[0:7])",
    (if .error then "error     \(.error)" else empty end) end'
}

main() {
  local command=${1:-} who="" force=false notes
  shift || true
  while [ $# -gt 0 ]; do
    case $1 in
      --by) who=${2:?$usage} && shift ;;
      --force) force=true ;;
      *) break ;;
    esac
    shift
  done
  case $command in
    run)
      if notes=$(asked); then who=$(cut -f2 <<<"$notes" | grep . | paste -sd, - || cut -f1 <<<"$notes" | head -n 1); fi
      run_system timer "$who" "$force"
      ;;
    trigger) trigger "${who:?$usage}" ;;
    watch) watch_system ;;
    bootstrap) bootstrap ;;
    publish) publish_home "${1:?$usage}" ;;
    status) status ;;
    *)
      say "$usage"
      return 2
      ;;
  esac
}

main "$@"
