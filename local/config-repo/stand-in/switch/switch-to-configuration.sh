#!/bin/bash
# NixOS' switch-to-configuration-ng (nixpkgs, pkgs/by-name/sw/switch-to-configuration-ng), as far as an updater meets it: which units it
# stops, restarts, reloads, leaves alone and starts, in which order, and what it answers. Exit status: 1 a pre-switch check or the boot
# loader failed or a user logged out meanwhile, 2 the activation failed, 4 units failed, 11 another switch runs (errno EAGAIN), 100 the
# new system needs a reboot.
set -euo pipefail
shopt -s nullglob
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

action=${1-}
export NIXOS_ACTION=$action
system=$(readlink -f "$0")
system=${system%/*/*}
parts=$system/stand-in
old_units=/etc/static/systemd/system
new_units=$system/etc/systemd/system
lists=/run/nixos
status=0

# Two of an update's three calls only check, or set what boots.
if [[ $action != check && $action != boot ]]; then
  # shellcheck source=unit-file.bash
  . "$parts/unit-file.bash"
  # shellcheck source=compare.bash
  . "$parts/compare.bash"
  # shellcheck source=plan.bash
  . "$parts/plan.bash"
  # shellcheck source=users.bash
  . "$parts/users.bash"
fi

usage() {
  cat >&2 <<END
Usage: switch-to-configuration [check|switch|boot|test|dry-activate]
check:        run pre-switch checks and exit
switch:       make the configuration the boot default and activate now
boot:         make the configuration the boot default
test:         activate the configuration, but don't make it the boot default
dry-activate: show what would be done if this configuration were activated
END
  exit 1
}

# Bash sorts them itself: a switch says little, and a process takes longer.
say() { # words unit…
  local words=$1 unit i j
  local -a units=("${@:2}")
  [[ ${#units[@]} -gt 0 ]] || return 0
  for ((i = 1; i < ${#units[@]}; i++)); do
    for ((j = i; j > 0; j--)); do
      [[ ${units[j - 1]^^} > ${units[j]^^} ]] || break
      unit=${units[j]} units[j]=${units[j - 1]} units[j - 1]=$unit
    done
  done
  printf -v unit '%s, ' "${units[@]}"
  echo "$words ${unit%, }" >&2
}

# The units of one of the plan's arrays, but for those that are not shown.
say_shown() { # words, name of an array
  local -n from=$2
  local unit
  local -a shown=()
  for unit in "${!from[@]}"; do
    [[ ${hidden[$unit]+set} ]] || shown+=("$unit")
  done
  say "$1" "${shown[@]}"
}

take_lock() {
  [[ -d $lists ]] || mkdir -p "$lists"
  exec 9>>"$lists/switch-to-configuration.lock"
  flock -n 9 || {
    echo "Could not acquire lock" >&2
    exit 11
  }
}

pre_switch_checks() {
  [[ ${NIXOS_NO_CHECK-} != 1 && -e $system/pre-switch-checks ]] || return 0
  "$system/pre-switch-checks" "$system" "$action" 9>&- || {
    echo "Pre-switch checks failed" >&2
    exit 1
  }
}

# Which system boots is what the profile says; a boot loader is there for tests only.
install_boot_loader() {
  [[ ! -e $system/install-boot-loader ]] || bash "$system/install-boot-loader" "$system" 9>&- || {
    echo "Failed to install bootloader" >&2
    exit 1
  }
}

# A machine that has no system yet can be given any.
check_init_interface() {
  local now=/run/current-system/init-interface-version
  [[ -e /run/current-system ]] || return 0
  [[ ! -e $now || $(<"$now") != $(<"$system/init-interface-version") ]] || return 0
  echo "Warning: the new NixOS configuration has an 'init' that is incompatible with the current configuration. The new configuration won't take effect until you reboot the system." >&2
  exit 100
}

needs_reexec() {
  [[ -e /etc/static/systemd/system.conf || -e $system/etc/systemd/system.conf ]] || return
  [[ $(readlink -f /etc/static/systemd/system.conf || true) != $(readlink -f "$system/etc/systemd/system.conf" || true) ]]
}

dry_activate() {
  plan_units
  say_shown "would stop the following units:" to_stop
  say "would NOT stop the following changed units:" "${!to_skip[@]}"
  echo "would activate the configuration..." >&2
  ! needs_reexec || echo "would restart systemd" >&2
  say "would reload the following units:" "${!to_reload[@]}"
  say "would restart the following units:" "${!to_restart[@]}"
  say_shown "would start the following units:" to_start
}

# What is still to be done lies on disk, for the switch after one that was cut short.
# shellcheck disable=SC2034
recall() { # what
  local -n units_to_recall=to_$1
  local unit
  [[ -e $lists/$1-list ]] || return 0
  while read -r unit; do units_to_recall["$unit"]=''; done <"$lists/$1-list"
}

record() { # what
  local -n units_to_record=to_$1
  local unit
  # `recall` takes no list for an empty one.
  [[ ${#units_to_record[@]} -gt 0 ]] || {
    forget "$1"
    return
  }
  for unit in "${!units_to_record[@]}"; do echo "$unit"; done >"$lists/$1-list.new"
  mv "$lists/$1-list.new" "$lists/$1-list"
}

forget() { # what
  [[ ! -e $lists/$1-list ]] || rm "$lists/$1-list"
}

systemd() { systemctl "$@" 9>&-; }

# Jobs of one kind run side by side; one that fails keeps no other back.
run_jobs() { # verb, units…
  [[ $# -gt 1 ]] || return 0
  systemd "$1" -- "${@:2}" || {
    echo "Failed to $1 ${*:2}" >&2
    status=4
  }
}

activate() {
  echo "activating the configuration..." >&2
  "$system/activate" 9>&- || {
    echo "Failed to run activate script" >&2
    status=2
  }
}

# What is to be reloaded and does not run, because what it needs was stopped, is started.
start_instead_of_reload() {
  local unit
  local -A new=()
  for unit in "${!to_reload[@]}"; do
    ! systemd is-active --quiet "$unit" || continue
    unset 'to_reload[$unit]'
    [[ -e $new_units/$unit ]] || continue
    read_unit new "$new_units/$unit" "$new_units/$unit.d"
    is_true new Unit.RefuseManualStart false || to_start[$unit]=''
  done
}

report_new() {
  local unit started=()
  local -A before=()
  for unit in "${!unit_state[@]}"; do before[$unit]=''; done
  read_active_units
  for unit in "${!unit_state[@]}"; do
    [[ ${before[$unit]+set} || ${unit_state[$unit]} == failed || $unit == *.scope ]] || started+=("$unit")
  done
  say "the following new units were started:" "${started[@]}"
}

# From what `report_new` has read. A service that waits to be started again after a failure counts as failed.
report_failed() {
  local unit
  local -a failed=()
  for unit in "${!unit_state[@]}"; do
    if [[ ${unit_state[$unit]} == failed ]]; then
      failed+=("$unit")
    elif [[ ${unit_sub[$unit]} == auto-restart && $(systemd show --property=ExecMainStatus --value -- "$unit") != 0 ]]; then
      failed+=("$unit")
    fi
  done
  [[ ${#failed[@]} -gt 0 ]] || return 0
  say "warning: the following units failed:" "${failed[@]}"
  systemd status --no-pager --full --lines=10 -- "${failed[@]}" >&2 || true
  status=4
}

switch() {
  local list
  check_init_interface
  for list in start restart reload; do recall "$list"; done
  plan_units
  for list in start restart reload; do record "$list"; done
  say_shown "stopping the following units:" to_stop
  run_jobs stop "${!to_stop[@]}"
  say "NOT restarting the following changed units:" "${!to_skip[@]}"
  local reexec=false
  ! needs_reexec || reexec=true
  activate
  if [[ $reexec == true ]]; then
    echo "restarting systemd..." >&2
    systemd daemon-reexec
  fi
  systemd reset-failed
  systemd daemon-reload
  reload_users 9>&-
  echo "restarting sysinit-reactivation.target" >&2
  run_jobs restart sysinit-reactivation.target
  start_instead_of_reload
  say "reloading the following units:" "${!to_reload[@]}"
  run_jobs reload "${!to_reload[@]}"
  forget reload
  say "restarting the following units:" "${!to_restart[@]}"
  run_jobs restart "${!to_restart[@]}"
  forget restart
  say_shown "starting the following units:" to_start
  run_jobs start "${!to_start[@]}"
  forget start
  # Units that fail as soon as they are started get the time to.
  sleep 0.5
  report_new
  report_failed
}

[[ $action =~ ^(check|switch|boot|test|dry-activate)$ ]] || usage
take_lock
pre_switch_checks
case $action in
  switch | boot) install_boot_loader ;;&
  switch | test) switch ;;
  dry-activate) dry_activate ;;
esac
exit "$status"
