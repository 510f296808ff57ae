#!/bin/bash
# NixOS' switch-to-configuration, as far as an updater meets it: which units it stops, restarts, leaves alone and starts,
# in which order, and what it answers. Exit status: 1 the boot loader could not be installed, 2 the activation failed, 4 units
# failed, 11 another switch runs.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

action=${1-}
system=$(dirname "$(dirname "$(readlink -f "$0")")")
old_units=/etc/static/systemd/system
new_units=$system/etc/systemd/system
# What a switch that was cut short still had to start.
start_list=/run/nixos/start-list

to_stop=() to_skip=() to_restart=() to_start=() to_queue=()
status=0

usage() {
  echo "usage: $0 [switch|boot|test|dry-activate]" >&2
  exit 1
}

say() { # words unit…
  local words=$1
  shift
  [[ $# -eq 0 ]] || echo "$words $(printf '%s, ' "$@" | sed 's/, $//')" >&2
}

property() { # unit property
  systemctl show --property="$2" --value -- "$1"
}

is_active() {
  [[ $(property "$1" ActiveState) != inactive ]]
}

# Whether a unit file says KEY=false.
denies() { # file key
  grep -qxE "$2=(0|no|false|off)" "$1"
}

plan_changed() { # unit
  case $1 in
    *.path | *.slice | *.socket | *.target) ;;
    *)
      if denies "$new_units/$1" X-RestartIfChanged; then
        to_skip+=("$1")
      elif [[ $1 == *.service ]]; then
        to_stop+=("$1")
        to_start+=("$1")
      else
        to_restart+=("$1")
      fi
      ;;
  esac
}

plan_existing() {
  local file unit
  for file in "$old_units"/*; do
    unit=${file##*/}
    if [[ ! -f $file ]] || ! is_active "$unit"; then
      continue
    elif [[ ! -e $new_units/$unit ]]; then
      denies "$file" X-StopOnRemoval || to_stop+=("$unit")
    elif ! cmp -s "$file" "$new_units/$unit"; then
      plan_changed "$unit"
    fi
  done
}

# Active targets are started again, and with them whatever they want that does not run. A target that the boot has not
# reached yet does not know of what it wants now: it is asked for as well, but not waited for.
plan_wanted() {
  local folder target
  for folder in "$new_units"/*.wants; do
    [[ -d $folder ]] || continue
    target=$(basename "$folder" .wants)
    if [[ $(property "$target" ActiveState) == active ]]; then
      to_start+=("$target")
    elif [[ -n $(property "$target" Job) ]]; then
      to_queue+=("$target")
    fi
  done
}

dry_activate() {
  plan_existing
  plan_wanted
  say "would stop the following units:" "${to_stop[@]}"
  say "would NOT restart the following changed units:" "${to_skip[@]}"
  say "would restart the following units:" "${to_restart[@]}"
  say "would start the following units:" "${to_start[@]}"
}

activate() {
  echo "activating the configuration..." >&2
  "$system/activate" || status=2
}

# Everything that is to run again, and a list of it on disk in case this is cut short.
remember() {
  local unit
  [[ ! -e $start_list ]] || mapfile -t -O "${#to_start[@]}" to_start <"$start_list"
  for unit in "${to_start[@]}"; do
    echo "$unit"
  done >"$start_list.new"
  mv "$start_list.new" "$start_list"
}

report_failed() {
  local failed
  # Units that fail as soon as they are started get the time to.
  sleep 0.5
  mapfile -t failed < <(systemctl list-units --state=failed --plain --no-legend | cut -d' ' -f1)
  if [[ ${#failed[@]} -gt 0 ]]; then
    say "warning: the following units failed:" "${failed[@]}"
    systemctl status --no-pager --full --lines=10 -- "${failed[@]}" >&2 || true
    status=4
  fi
}

switch() {
  mkdir -p /run/nixos
  exec 9>/run/nixos/switch-to-configuration.lock
  flock -n 9 || {
    echo "Could not acquire lock" >&2
    exit 11
  }
  plan_existing
  remember
  say "stopping the following units:" "${to_stop[@]}"
  [[ ${#to_stop[@]} -eq 0 ]] || systemctl stop -- "${to_stop[@]}" 9>&- || true
  say "NOT restarting the following changed units:" "${to_skip[@]}"
  activate 9>&-
  systemctl reset-failed 9>&-
  systemctl daemon-reload 9>&-
  say "restarting the following units:" "${to_restart[@]}"
  [[ ${#to_restart[@]} -eq 0 ]] || systemctl restart -- "${to_restart[@]}" 9>&- || true
  say "starting the following units:" "${to_start[@]}"
  plan_wanted
  [[ ${#to_start[@]} -eq 0 ]] || systemctl start -- "${to_start[@]}" 9>&- || true
  [[ ${#to_queue[@]} -eq 0 ]] || systemctl start --no-block -- "${to_queue[@]}" 9>&- || true
  rm -f "$start_list"
  report_failed
}

# Which system boots is what the profile says; a boot loader is there for tests only.
install_boot_loader() {
  [[ ! -e $system/install-boot-loader ]] || bash "$system/install-boot-loader" || {
    echo "Failed to install bootloader" >&2
    exit 1
  }
}

case $action in
  boot) install_boot_loader ;;
  switch)
    install_boot_loader
    switch
    ;;
  test) switch ;;
  dry-activate) dry_activate ;;
  *) usage ;;
esac
exit "$status"
