# shellcheck shell=bash
# A run that something kept from ending well which passes by itself (no network, a server that does not answer) is tried again
# without anybody's help: soon at first, then ever more seldom.

retry_first=${NIXOS_AUTO_UPDATE_RETRY:-15} # seconds until the first
retry_most=1800                            # seconds at most between two

# Has systemd start the service later. $run_dir/retry says how many retries in a row were arranged, and why the last one was. The
# timer's name is another one each time: the retry that led here may not have ended yet.
retry_later() { # unit, why
  local unit=$1 count=0 delay due
  [[ $once == false ]] || return 0
  [[ ! -e $run_dir/retry ]] || read -r count _ <"$run_dir/retry" || true
  [[ $count =~ ^[0-9]+$ ]] || count=0
  delay=$(retry_delay "$count") due=$run_dir/retry-due
  printf '%s %s\n' "$((count + 1))" "$(one_line "$2")" >"$run_dir/retry"
  printf '%s\n' "${right-head}" >"$run_dir/retry-right"
  systemctl "${manager[@]}" stop "$unit-retry-*.timer" 2>/dev/null || true
  # shellcheck disable=SC2016 # the inner shell expands it
  if systemd-run "${manager[@]}" --quiet --collect --unit="$unit-retry-$((count % 100))-$$" --description="Try the update again" --on-active="$delay" \
    --timer-property=AccuracySec=1s --property=SyslogIdentifier="$unit" --setenv=PATH="$PATH" \
    "$BASH" -c ': >"$1" && shift && exec systemctl "$@"' retry "$due" "${manager[@]}" start --no-block "$unit.service" 2>/dev/null; then
    log "trying again in $delay s: $(one_line "$2")"
  fi
}

# Twice as long each time, give or take a quarter, so that machines which lost the network together do not come back as one.
retry_delay() { # count
  local delay=$((retry_first << ($1 < 10 ? $1 : 10)))
  ((delay <= retry_most)) || delay=$retry_most
  echo "$((delay * 3 / 4 + (RANDOM % (delay / 2 + 1))))"
}

retry_no_more() { # unit
  [[ -e $run_dir/retry ]] || return 0
  rm -f "$run_dir/retry" "$run_dir/retry-right"
  systemctl "${manager[@]}" stop "$1-retry-*.timer" 2>/dev/null || true
}

# Whether this run is such a retry; then $asked_by says why.
is_retry() {
  [[ -e $run_dir/retry-due ]] || return
  rm -f "$run_dir/retry-due"
  asked_by="itself, trying again: $(cut -d' ' -f2- "$run_dir/retry" 2>/dev/null)"
}
