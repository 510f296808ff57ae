# shellcheck shell=bash
# Reboots: what needs one, and when the machine may have it.

# Whether only a reboot brings this system up: another kernel than the booted one, or something that nixpkgs says must not change
# under a running system.
needs_boot() { # toplevel
  local part
  [[ -e $booted_system && ! $1 -ef $booted_system ]] || return
  for part in kernel initrd kernel-modules; do
    [[ ! -e $booted_system/$part && ! -e $1/$part || $booted_system/$part -ef $1/$part ]] || return 0
  done
  [[ ! -e $1/kernel-params ]] || cmp -s "$booted_system/kernel-params" "$1/kernel-params" || return 0
  inhibitors_differ "$current_system/switch-inhibitors" "$1/switch-inhibitors"
}

# { name: value }; a name that only one of them has is none of the other's business.
inhibitors_differ() { # file, file
  [[ -e $1 && -e $2 ]] || return
  jq --exit-status --null-input --slurpfile old "$1" --slurpfile new "$2" '
    any($old[0] | keys[]; . as $name | $new[0] | has($name) and .[$name] != $old[0][$name])' &>/dev/null
}

# The file has the service's timer ask again.
driver_needs_reboot() {
  if [[ ${result[reboot]-} == true ]] || { [[ -e $profile ]] && needs_boot "$profile"; }; then
    : 2>/dev/null >"$run_dir/reboot-required" || true
    echo true
  else
    rm -f "$run_dir/reboot-required"
    echo false
  fi
}

# Reboots where that is needed and allowed now; the service's timer asks again.
reboot_if_allowed() {
  [[ ${decision[settings.allowReboot]-} == true && $(driver_needs_reboot) == true ]] || return 0
  [[ ! -e /run/systemd/shutdown/scheduled && ! -e /run/nologin ]] || return 0
  if ! in_window "$(setting rebootWindow)" "$(printf '%(%H:%M)T' -1)"; then
    log "a reboot is required; waiting for $(jq --raw-output '"\(.lower) to \(.upper)"' <<<"$(setting rebootWindow)")"
  elif [[ $(setting rebootWithUsers) != true && -n $(people) ]]; then
    log "a reboot is required; waiting until nobody is logged in (now: $(people | paste -sd' '))"
  else
    log "rebooting, because what was deployed needs it"
    shutdown -r +1 "This machine reboots in a minute to finish an update."
  fi
}

# Tells people once that what was deployed waits for a reboot.
announce_reboot() {
  [[ ${result[reboot]-} == true ]] || return 0
  wall "An update of this machine waits for a reboot." 2>/dev/null || true
}

# HH:MM texts compare as times do; a window may go over midnight, and no window is always.
in_window() { # { lower, upper } or nothing, HH:MM
  local lower upper
  [[ -n $1 ]] || return 0
  lower=$(jq --raw-output .lower <<<"$1") upper=$(jq --raw-output .upper <<<"$1")
  if [[ $lower < $upper ]]; then
    [[ ! $2 < $lower && $2 < $upper ]]
  else
    [[ ! $2 < $lower || $2 < $upper ]]
  fi
}

# Who is logged in, at a terminal, by ssh or at a desktop; managers that linger are nobody.
people() {
  local session properties
  while read -r session _; do
    properties=$(loginctl show-session "$session" --property=Class --property=Name --property=State 2>/dev/null) || continue
    [[ $properties == *Class=user* && $properties != *State=closing* ]] || continue
    sed -n 's/^Name=//p' <<<"$properties"
  done < <(loginctl list-sessions --no-legend 2>/dev/null) | sort -u
}
