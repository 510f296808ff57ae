# shellcheck shell=bash
# The watcher: one open request to the metadata server, and an update when something changes that concerns this VM.

watch_seconds=300 # of one request; Google's server ends them by itself after some time as well

# What concerns this VM of what the metadata server says: `null` where the VM belongs to no fleet, nothing where the server did not say all
# of it. The order is for jq 1.8.2: see home.jq.
projection() { # the server's answers
  jq -L "$agent_dir" --raw-input --slurp --compact-output --slurpfile contract "$contract_file" '
    include "watch"; include "metadata"; include "fleet"; $contract[0] as $contract | told($contract) | values + { $contract } | concern' <<<"$1"
}

# The first who learns of the metadata after a boot says what the watcher compares with, so that no change is missed between
# a run's decision and the watcher's start.
keep_baseline() { # the server's answers
  local about
  [[ ! -e $run_dir/watch-baseline ]] || return 0
  about=$(projection "$1")
  [[ -z $about ]] || write_file "$run_dir/watch-baseline" "$about"
}

# Waits for the next answer, in at most so many seconds, and leaves it in $etag and $about, and what of it concerns this VM in $seen.
next_answer() { # seconds
  local answer
  answer=$(metadata_wait "$etag" "$1" 2>/dev/null) || return
  # Its own item is small, and may have changed as well.
  about=$(metadata_told 1) && seen=$(projection "$about") && [[ -n $seen ]] || return
  etag=$answer
}

# Returns when something has changed that concerns this VM, or after so many seconds.
await_change() { # seconds
  local end=$((SECONDS + $1)) before seen=''
  before=$(cat "$run_dir/watch-baseline" 2>/dev/null) || true
  while ((SECONDS < end)); do
    if ! next_answer "$((end - SECONDS))"; then
      sleep 5
    else
      [[ $seen != "$before" ]] || continue
      write_file "$run_dir/watch-baseline" "$seen"
      return
    fi
  done
}

watch() {
  local etag='' about='' seen='' delay=1 before
  resume_requests
  while :; do
    if next_answer "$watch_seconds"; then
      delay=1
      keep_baseline "$about"
      arm_publishers "$about"
      tell_alive "$about"
      before=$(<"$run_dir/watch-baseline")
      [[ $before == "$seen" ]] || ask_for_change "$before" "$seen"
    else
      etag=
      ((delay < 32)) || log "the metadata server does not answer; still trying"
      sleep "$delay.$((RANDOM % 10))"
      delay=$((delay < 32 ? delay * 2 : 60))
    fi
  done
}

# The baseline is moved after the request is written: a watcher that dies between asks twice, which costs nothing.
ask_for_change() { # before, after
  local what
  # Not as arguments, of which one has at most 128 KiB.
  what=$(jq --raw-output --slurp '.[0] as $before | .[1] as $after |
    if $after == null then "no fleet any more"
    elif ($before // {}).approval != $after.approval and $after.approval != null then "approval of \($after.approval.revision[0:7])"
    elif ($before // {}).wave != $after.wave then "wave \($after.wave)"
    else "control item" end' <<<"$1"$'\n'"$2")
  log "changed: $what"
  ask watch "the watcher ($what)"
  write_file "$run_dir/watch-baseline" "$2"
  start_until_taken "$request" &
}

# Requests that nobody took up, from before a restart of the watcher.
resume_requests() {
  local file
  for file in "$run_dir/asked"/*; do
    [[ ! -e $file ]] || start_until_taken "$file" &
  done
}

# After a boot homes may run before root has told them anything new.
arm_publishers() { # the metadata server's answers
  local user
  while read -r user; do
    ! is_user_name "$user" || ! id -u "$user" &>/dev/null || arm_publisher "$user" || true
  done < <(jq -L "$agent_dir" --raw-input --slurp --raw-output --slurpfile contract "$contract_file" '
    include "metadata"; include "fleet"; told($contract[0]) | .instance // "{}" | fromjson | .homes[]?.user' <<<"$1" 2>/dev/null)
}
