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

# Prints boot or schedule where one of the service's timers started this run, by having fired since the last run ended.
# $TRIGGER_UNIT tells only that systemd ever triggered the service: it repeats the first unit that did (systemd 28939).
fired_timer() {
  local ended boot schedule
  [[ -n ${TRIGGER_UNIT-} ]] || return 0
  ended=$(unit_time "$service.service" InactiveEnterTimestamp)
  boot=$(unit_time "$service.timer" LastTriggerUSec)
  schedule=$(unit_time "$service-schedule.timer" LastTriggerUSec)
  if [[ $schedule > $ended && ! $schedule < $boot ]]; then
    echo schedule
  elif [[ $boot > $ended ]]; then
    echo boot
  fi
}

# A point in time such as "2026-11-24 15:53:35.123456 UTC", which sorts as text; nothing for never.
unit_time() { # unit, property
  local time
  time=$(systemctl "${manager[@]}" show --timestamp=us+utc --property="$2" --value "$1")
  [[ $time != *' '* ]] || printf '%s\n' "${time#* }"
}
