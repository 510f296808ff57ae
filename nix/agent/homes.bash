# shellcheck shell=bash
# The homes of this machine, as root sees them: what they may run, their first time, and their reports.

home_names() {
  jq -r '.homes[]?.user' <<<"$instance"
}

home_directory() {
  getent passwd "$1" | cut -d: -f6
}

# as_user USER COMMAND…: with the user's own manager in reach.
as_user() {
  local user=$1
  shift
  runuser -u "$user" -- env HOME="$(home_directory "$user")" USER="$user" \
    XDG_RUNTIME_DIR="/run/user/$(id -u "$user")" "$@"
}

# Says to all homes what they may run now; their path units watch this file.
allow_homes() {
  local user
  state_read | jq --arg mirror "$mirror" --arg at "$(now)" --argjson instance "$instance" \
    '{ revision, approved, lock, $mirror, $at, homes: ($instance.homes // []) } | with_entries(select(.value != null))' |
    write_file "$(contract .paths.homes)"
  while read -r user; do
    [ -n "$user" ] || continue
    serve_home "$user"
  done < <(home_names)
}

serve_home() {
  local user=$1
  if ! id "$user" >/dev/null 2>&1; then
    say "home of $user: there is no such user yet; served when there is"
    deferred_home | publish "$(contract .guestAttributes.homePrefix)$user"
    return 0
  fi
  loginctl enable-linger "$user" || say "home of $user: lingering cannot be enabled"
  watch_home "$user"
  # Later runs are the user's own units' business.
  [ -e "$(home_state "$user")" ] || first_home "$user" || say "home of $user: its first activation failed; see its report"
}

deferred_home() {
  jq -n --arg at "$(now)" --arg bootedAt "$(booted_at)" --arg agent "$(contract .agent)" \
    '{ revision: "", lock: "", toplevel: "", outcome: "deferred", rolledBack: false, rebootRequired: false, $at, $bootedAt, $agent }'
}

home_state() {
  printf '%s/.local/state/%s/state.json' "$(home_directory "$1")" "$(contract .paths.homeState)"
}

first_home() {
  local user=$1 try
  for try in 1 2 3 4 5 6 7 8 9 10; do
    [ -S "/run/user/$(id -u "$user")/systemd/private" ] && break
    sleep "0.$try"
  done
  say "home of $user: first activation"
  as_user "$user" NIXOS_FLEET_AGENT="$agent_dir" bash "$agent_dir/$(contract .units.home).bash" run
}

# A report that a home wrote is to be published when it changes. Only the reading as the user (publish_home) trusts it.
watch_home() {
  local unit
  unit="$(contract .units.system)-home-$1"
  systemctl is-active --quiet "$unit.path" ||
    systemd-run --quiet --unit="$unit" --path-property="PathChanged=$(home_state "$1")" \
      --setenv=NIXOS_FLEET_AGENT="$agent_dir" bash "$agent_dir/$(contract .units.system).bash" publish "$1"
}

# publish_home USER: read as the user, since the path is the user's to bend; only what the contract knows goes on.
publish_home() {
  local user=$1 path
  path=$(home_state "$user")
  as_user "$user" head -c 65536 "$path" | jq -e --slurpfile contract "$contract" '
    $contract[0] as $contract | . as $state
    | $contract.report.fields | to_entries
    | map((.value | rtrimstr("?")) as $type
      | $state[.key] as $value
      | if $value == null then (if .value | endswith("?") then empty else error("\(.key) is missing") end)
        elif (if $contract[$type] | type == "array" then $contract[$type] | index($value) else ($value | type) == $type end)
        then { key, value: (if $type == "string" then $value[:$contract.report.errorBytes] else $value end) }
        else error("\(.key) is no \($type)") end)
    | from_entries' | publish "$(contract .guestAttributes.homePrefix)$user"
}
