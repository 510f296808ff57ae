# shellcheck shell=bash
# Who started this run, where nobody said.

guess_trigger() {
  ! is_retry || { trigger=retry && return; }
  trigger=$(fired_timer)
  case $trigger in
    schedule) asked_by='its schedule' ;;
    boot) asked_by='its timer after boot' ;;
    *) trigger=manual asked_by=${SUDO_USER:-} ;;
  esac
}

# Lets this run go to the branch's head where it serves a boot, a schedule or a person; the watcher and SSH triggers go only where something
# is approved. A retry that is due is served as well, and may go where the run that it repeats might.
grant() { # trigger
  local due
  read_into due "$run_dir/retry-right"
  [[ ! $1 =~ ^(boot|schedule|manual)$ && $due != head ]] || right=head
}

# Prints boot or schedule where one of the service's timers started this run, by having fired since the last run ended.
# $TRIGGER_UNIT tells only that systemd ever triggered the service: it repeats the first unit that did (systemd 28939).
fired_timer() {
  local line block=0 times=('' '' '')
  [[ -n ${TRIGGER_UNIT-} ]] || return 0
  while IFS= read -r line; do
    case $block,$line in
      ?,) block=$((block + 1)) ;;
      0,InactiveEnterTimestamp=*' '* | [12],LastTriggerUSec=*' '*) times[block]=${line#*=* } ;;
    esac
  done < <(unit_times "$service.service" "$service.timer" "$service-schedule.timer")
  local ended=${times[0]} boot=${times[1]} schedule=${times[2]}
  if [[ $schedule > $ended && ! $schedule < $boot ]]; then
    echo schedule
  elif [[ $boot > $ended ]]; then
    echo boot
  fi
}

# When units ended and timers fired, such as "Tue 2026-11-24 15:53:35.123456 UTC", which sorts as text without its first word; nothing
# for never. A block for each unit, a blank line between two.
unit_times() { # units…
  systemctl "${manager[@]}" show --timestamp=us+utc --property=InactiveEnterTimestamp,LastTriggerUSec "$@"
}
