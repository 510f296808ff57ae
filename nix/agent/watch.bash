# shellcheck shell=bash
# Waiting for an approval: one request that the metadata server answers when something changes.

wait_seconds=300

baseline_file() {
  printf '%s/watch-baseline' "$run_dir"
}

# What of the attributes on standard input concerns this VM.
relevant() {
  jq -c --arg vm "$vm" --argjson instance "$instance" --slurpfile contract "$contract" \
    '{ $vm, $instance, project: ., contract: $contract[0] }' | jq -cS -f "$agent_dir/relevant.jq"
}

# Calls `$1` after each change that concerns this VM; ends when that function returns 0. The first answer after boot is
# the baseline; it is kept over restarts of the watcher, so that a change in between is not lost.
watch_changes() {
  local on_change=$1 etag=0 answer seen pause=1
  while :; do
    answer=$(metadata_wait "$etag" "$wait_seconds") || {
      sleep "$pause"
      pause=$((pause < 60 ? pause * 2 : 60))
      continue
    }
    pause=1
    etag=${answer%%$'\n'*}
    seen=$(relevant <<<"${answer#*$'\n'}") || continue
    if [ ! -e "$(baseline_file)" ]; then
      write_file "$(baseline_file)" <<<"$seen"
    elif [ "$seen" != "$(cat "$(baseline_file)")" ]; then
      write_file "$(baseline_file)" <<<"$seen"
      "$on_change" && return
    fi
  done
}

start_update() {
  say "the approval changed; starting the update"
  ask watch ""
  systemctl start --no-block "$(contract .units.system).service"
  return 1
}

# ask TRIGGER WHO: leaves a note for the run that is about to start, so that its journal says who asked.
ask() {
  printf '%s\t%s\n' "$1" "$2" >>"$run_dir/asked"
}

# Prints and takes the notes away: `TRIGGER WHO` a line.
asked() {
  [ -e "$run_dir/asked" ] || return 1
  mv "$run_dir/asked" "$run_dir/asked.taken" && cat "$run_dir/asked.taken"
}

watch_system() {
  local user
  load_settings || return
  while read -r user; do
    [ -z "$user" ] || ! id "$user" >/dev/null 2>&1 || watch_home "$user"
  done < <(home_names)
  watch_changes start_update
}
