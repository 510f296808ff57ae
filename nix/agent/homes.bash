# shellcheck shell=bash
# The homes of this machine, as root sees them: what they may run, their first start, and their reports.

# Of $run_dir/homes.json, which tells homes what they may run; every user's path unit watches it.
home_users() {
  [[ ! -e $run_dir/homes.json ]] || jq --raw-output '.homes[].user' "$run_dir/homes.json"
}

serve_homes() {
  local user
  [[ ${decision[settings.homes]:-[]} != '[]' ]] || return 0
  while read -r user; do
    serve_home "$user" || log "home of $user: could not be served"
  done < <(home_users)
}

# Sees to it that a home's units run and its reports are published. A home that never came to anything is started here,
# on its user's behalf: its own units are part of it.
serve_home() { # user
  local user=$1
  is_user_name "$user" || return
  [[ ! -e $run_dir/served-$user ]] || return 0
  if ! has_home "$user"; then
    publish_absent "$user"
    arm_first_login
    return
  fi
  hand_over_credentials "$(<"$run_dir/homes.json")"
  let_linger "$user"
  arm_publisher "$user"
  if home_exists "$user"; then
    : >"$run_dir/served-$user"
  else
    start_home "$user"
  fi
}

# With OS Login there may be a user long before there is a home, which the first login makes.
has_home() { # user
  id -u "$1" &>/dev/null && [[ -d $(home_of "$1") ]]
}

is_user_name() {
  [[ $1 =~ ^[a-z_][a-z0-9_.-]*$ ]]
}

# The name is checked, since the shell expands the tilde by evaluation only.
home_of() { # user
  eval "printf '%s' ~$1"
}

home_state_of() { # user
  printf '%s/.local/state/%s/state.json' "$(home_of "$1")" "$contract_home_state"
}

# Runs a command as the user, with nothing of root's but PATH; what a user's files say is never read by root.
as_user() { # user, command…
  local user=$1
  shift
  timeout 10 setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups env --chdir=/ -i PATH="$PATH" "$@"
}

# Whether the home's agent has ever deployed it.
home_exists() { # user
  as_user "$1" head -c 100000 "$(home_state_of "$1")" 2>/dev/null |
    jq --exit-status '.revision // "" | . != ""' &>/dev/null
}

# The user's manager runs from boot on, not only while somebody is logged in.
let_linger() { # user
  [[ -e /var/lib/systemd/linger/$1 ]] || loginctl enable-linger "$1"
}

# Once: until the home has its own units nobody but the machine's next run can try again, and that run does.
start_home() { # user
  log "home of $1: starting its first update"
  systemctl start "user@$(id -u "$1").service" &&
    systemd-run --user --machine="$1@.host" --quiet --collect --unit="$home_unit-first" \
      --property=SyslogIdentifier="$home_unit" --setenv=PATH="$PATH" --setenv=NIXOS_FLEET_AGENT="$agent_dir" \
      "$BASH" "$agent_dir/$home_unit.bash" run --once --by "the machine's agent"
}

publish_absent() { # user
  local report
  report=$(jq --null-input --compact-output --arg user "$1" --arg at "$(now)" --arg agent "$agent_version" \
    --arg bootedAt "$(booted_at)" '
    { revision: "", lock: "", toplevel: "", outcome: "deferred", error: "there is no home of \($user) yet: it is updated from the first login on",
      rolledBack: false, rebootRequired: false, $at, $bootedAt, $agent }')
  publish "$home_attribute_prefix$1" "$report" || log "could not publish the report of $1's home"
}

# Has systemd look again whenever somebody's login changes, until there is nobody left to wait for.
arm_first_login() {
  local unit=$system_unit-first-login
  ! systemctl is-active --quiet "$unit.path" || return 0
  as_service "$unit" PathChanged=/run/systemd/users serve
}

# What that service runs. A session is there before the home that its login makes.
serve() {
  local user
  sleep 2
  while read -r user; do
    ! has_home "$user" || serve_home "$user" || log "home of $user: could not be served"
  done < <(home_users)
  while read -r user; do
    has_home "$user" || return 0
  done < <(home_users)
  systemctl stop "$system_unit-first-login.path"
}

# Has systemd publish the home's report whenever its state changes; root publishes, because a user must not reach the server.
arm_publisher() { # user
  local unit=$system_unit-publish-$1
  ! systemctl is-active --quiet "$unit.path" || return 0
  as_service "$unit" PathChanged="$(home_state_of "$1")" publish "$1"
}

# Has systemd run one of this agent's commands when something happens to a path. The installed agent, where there is one, outlives
# this one.
as_service() { # unit, path property, command…
  local unit=$1 property=$2 agent=("$BASH" "$agent_dir/$system_unit.bash")
  shift 2
  [[ ! -x $current_system/sw/bin/$system_unit ]] || agent=("$current_system/sw/bin/$system_unit")
  systemd-run --quiet --collect --unit="$unit" --path-property="$property" \
    --property=SyslogIdentifier="$system_unit" --setenv=PATH="$PATH" "${agent[@]}" "$@"
}

# A home's report is its user's own claim: read as the user, as little as a report can be, and only what has a report's shape.
# What changes while an earlier report is on its way is published after it, since systemd does not tell again.
publish_home() { # user
  local user=$1 state report published='' delay=5
  is_user_name "$user" || die 2 "publish: \"$user\" is no user name"
  while state=$(home_state "$user") && [[ $state != "$published" ]]; do
    report=$(report_of "$state") || die 0 "home of $user: its state is no report; nothing published"
    if publish "$home_attribute_prefix$user" "$report"; then
      published=$state
      # The repository may have refused what was handed over; the home tries again by itself.
      [[ $state != *'"stage":"fetch"'* ]] || hand_over_anew "$user"
    else
      log "home of $user: could not publish its report; trying again in $delay s"
      sleep "$delay"
      delay=$((delay < 300 ? delay * 2 : 600))
    fi
  done
}

home_state() { # user
  as_user "$1" head -c 100000 "$(home_state_of "$1")" 2>/dev/null | jq --compact-output 'objects' 2>/dev/null || true
}
