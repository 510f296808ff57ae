# shellcheck shell=bash
# What a switch is judged by: units that failed and had not before, the configuration's own checks, and what could be reached
# before and cannot be reached now.

health_settle=${NIXOS_AUTO_UPDATE_SETTLE:-3} # seconds that units get to fail in
reach_timeout=${NIXOS_AUTO_UPDATE_REACH:-60} # seconds until what was reachable must be so again

# The units that are failed now, sorted, a line each; the agents' own are not for them to judge.
failed_units() {
  systemctl "${manager[@]}" list-units --state=failed --plain --no-legend --full 2>/dev/null |
    awk '{ print $1 }' | grep -v "^$system_unit\|^$home_unit" | sort || true
}

units_are_well() {
  local before after new
  sleep "$health_settle"
  before=$(jq --raw-output '.failed // [] | .[]' <<<"${trial[before]}" | sort)
  after=$(failed_units)
  new=$(comm -13 <(printf '%s\n' "$before") <(printf '%s\n' "$after") | grep . || true)
  [[ -z $new ]] || {
    sickness="units failed that had not before: ${new//$'\n'/, }"$'\n'$(failed_units_say "$new")
    return 1
  }
}

failed_units_say() { # units
  local unit
  while read -r unit; do
    journalctl "${manager[@]}" --unit="$unit" --boot --lines=5 --no-pager --output=cat 2>/dev/null || true
  done <<<"$1"
}

# The checks of what was switched to, { name: { command, timeout } }.
checks_pass() { # settings file of what was switched to
  local name seconds command output
  while read -r name seconds; do
    command=$(jq --raw-output --arg name "$name" '.healthChecks[$name].command' "$1")
    log "health check $name"
    output=$(timeout --kill-after=5 "$seconds" "$BASH" -c "$command" 2>&1 </dev/null) || {
      sickness="health check $name failed with status $?"
      [[ $sickness != *' 124' && $sickness != *' 137' ]] || sickness="health check $name did not end within $seconds s"
      sickness+=$'\n'$(tail -n 10 <<<"$output")
      return 1
    }
  done < <(jq --raw-output '.healthChecks // {} | to_entries[] | "\(.key) \(.value.timeout // 30)"' "$1" 2>/dev/null)
}

# Whether what answered before answers again, within a time limit: a switch may restart the network.
still_reaches() { # what, command…
  local what=$1 end=$((SECONDS + reach_timeout))
  shift
  [[ $(jq --arg what "$what" '.reached[$what] == true' <<<"${trial[before]}") == true ]] || return 0
  until "$@" &>/dev/null; do
    ((SECONDS < end)) || {
      sickness="the $what could be reached before and cannot any more"
      return 1
    }
    sleep 2
  done
}

# A run that ends a trial of before has not asked the repository for anything yet.
repository_answers() {
  use_credential
  git_timeout=15 quiet_git ls-remote --exit-code "$(driver_repository)" "refs/heads/$(driver_branch)"
}
