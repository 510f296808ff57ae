# shellcheck shell=bash
# The first boot: the same run as every later one, tried until it is done.

bootstrap_once() {
  (run_system boot "first boot" false) && jq -e '.outcome == "updated" or .outcome == "unchanged"' "$(state_file)" >/dev/null
}

bootstrap() {
  load_settings || return
  local baseline pause=2
  # What is seen now is the baseline: a change while the run goes on is then seen as one.
  until baseline=$(metadata_get 'project/attributes/?recursive=true'); do
    sleep "$pause"
  done
  relevant <<<"$baseline" | write_file "$(baseline_file)"
  until bootstrap_once; do
    if [ "$(jq -r '.stage // ""' "$(state_file)")" = fetch ]; then
      sleep "$pause"
      pause=$((pause < 60 ? pause * 2 : 60))
    else
      watch_changes true
    fi
  done
  touch "$state_dir/bootstrapped"
  say "first boot: done"
}
