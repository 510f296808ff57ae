# shellcheck shell=bash
# The part of a switch that each user's manager does: `do_user_switch` of switch-to-configuration-ng. It runs as a process of the user's,
# whom the switch waits for without limit: how long that takes is up to the user.

reload_users() {
  local uid gid name i
  local -a users
  # logind has a file for each user that it lists, and mostly there is none.
  compgen -G "/run/systemd/users/*" >/dev/null || return 0
  mapfile -t users < <(loginctl list-users --no-legend)
  for i in "${!users[@]}"; do
    read -r uid name _ <<<"${users[i]}"
    # The list may be old by now: the switch waits for the user before.
    gid=$(busctl get-property org.freedesktop.login1 "/org/freedesktop/login1/user/_$uid" org.freedesktop.login1.User GID 2>&1) || {
      printf '%s\n' "Error: Failed to get GID for $name" "" "Caused by:" "    $gid" >&2
      exit 1
    }
    echo "reloading user units for $name..." >&2
    setpriv --reuid="$uid" --regid="${gid#u }" --clear-groups \
      env -i PATH="$PATH" XDG_RUNTIME_DIR="/run/user/$uid" __NIXOS_SWITCH_TO_CONFIGURATION_PARENT_EXE="$0" "$BASH" "$parts/users.bash" "$system" </dev/null || {
      echo "warning: user activation for $name failed" >&2
      status=4
    }
  done
}

switch_user() { # system
  systemctl --user daemon-reexec
  systemctl --user reset-failed
  systemctl --user daemon-reload
  [[ -e $1/etc/systemd/user/nixos-activation.service ]] || return 0
  echo "restarting the following user units: nixos-activation.service" >&2
  systemctl --user restart nixos-activation.service
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -euo pipefail
  switch_user "$1"
fi
