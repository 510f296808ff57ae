# shellcheck shell=bash
# Who started this run, where nobody said.

# Prints boot or schedule where one of the service's timers started this run, by having fired since the last run ended.
# $TRIGGER_UNIT tells only that systemd ever triggered the service: it repeats the first unit that did (systemd 28939).
fired_timer() { # --system | --user, unit
  local ended boot schedule
  [[ -n ${TRIGGER_UNIT-} ]] || return 0
  ended=$(unit_time "$1" "$2.service" InactiveEnterTimestamp)
  boot=$(unit_time "$1" "$2.timer" LastTriggerUSec)
  schedule=$(unit_time "$1" "$2-schedule.timer" LastTriggerUSec)
  if [[ $schedule > $ended && ! $schedule < $boot ]]; then
    echo schedule
  elif [[ $boot > $ended ]]; then
    echo boot
  fi
}

# A point in time such as "2026-11-24 15:53:35.123456 UTC", which sorts as text; nothing for never.
unit_time() { # --system | --user, unit, property
  local time
  time=$(systemctl "$1" show --timestamp=us+utc --property="$3" --value "$2")
  [[ $time != *' '* ]] || printf '%s\n' "${time#* }"
}
