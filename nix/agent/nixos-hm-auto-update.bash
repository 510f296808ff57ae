#!/usr/bin/env bash
# Keeps this user's home at what the machine's agent allows. Runs as the user, without root. See docs/agent.md.
set -euo pipefail

agent_dir=${NIXOS_FLEET_AGENT:-$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")}
# shellcheck source=common.bash
source "$agent_dir/common.bash"
# shellcheck source=repository.bash
source "$agent_dir/repository.bash"
# shellcheck source=engine.bash
source "$agent_dir/engine.bash"
# shellcheck source=home.bash
source "$agent_dir/home.bash"

case ${1:-} in
  run) run_home ;;
  status) state_read | jq -r '"runs \(.revision[0:7]) since \(.at): \(.outcome)"' ;;
  *)
    say "usage: nixos-hm-auto-update run | status"
    exit 2
    ;;
esac
