# shellcheck shell=bash
# The driver of the whole machine: settings, what to run, and how to switch to it. Runs as root.

profile=/nix/var/nix/profiles/system
state_dir=${NIXOS_AUTO_UPDATE_STATE:-$(contract .paths.state)}
run_dir=$(contract .paths.run)
mirror=$state_dir/mirror.git
switch_seconds=900

# What this VM is told about itself wins over the module's options, which serve machines without a metadata server.
load_settings() {
  vm=$(metadata_get instance/name) || vm=$(hostname)
  instance=$(metadata_get "instance/attributes/$(contract .instanceMetadata.key)") || instance='{}'
  setting() {
    local told
    told=$(jq -r --arg key "$1" '.[$key] // ""' <<<"$instance")
    [ -z "$told" ] || [ -z "$2" ] || [ "$told" = "$2" ] ||
      say "$1: the instance's metadata says \"$told\", the module \"$2\"; the metadata counts"
    printf '%s' "${told:-${2:-$3}}"
  }
  repository=$(setting repository "${NIXOS_AUTO_UPDATE_REPOSITORY:-}" "")
  branch=$(setting branch "${NIXOS_AUTO_UPDATE_BRANCH:-}" main)
  directory=$(setting directory "${NIXOS_AUTO_UPDATE_DIRECTORY:-}" /etc/nixos)
  follow=$(setting follow "${NIXOS_AUTO_UPDATE_FOLLOW:-}" branch)
  host=$(setting host "${NIXOS_AUTO_UPDATE_HOST:-}" "$vm")
  instance=$(jq --arg follow "$follow" '.follow = $follow' <<<"$instance")
  attribute="nixosConfigurations.\"$host\".config.system.build.toplevel"
  [ -n "$repository" ] || {
    say "repository: neither the instance's metadata nor the module's option names one"
    return 1
  }
  mkdir -p "$state_dir" "$run_dir"
}

# The decision, from one request for the project's attributes and, where it matters, one for the branch's head.
decide() {
  local force=$1 project head=null descends=null decision hold=null
  project=$(metadata_get 'project/attributes/?recursive=true') || project='{}'
  [ ! -e "$state_dir/hold.json" ] || hold=$(cat "$state_dir/hold.json")
  while :; do
    decision=$(jq -n --arg vm "$vm" --argjson instance "$instance" --argjson project "$project" \
      --argjson state "$(state_read)" --argjson head "$head" --argjson descends "$descends" \
      --argjson force "$force" --argjson localHold "$hold" --slurpfile contract "$contract" \
      '{ $vm, $instance, $project, $state, $head, $descends, $force, $localHold, contract: $contract[0] }' |
      jq -f "$agent_dir/decide.jq")
    case $(jq -r '.need // ""' <<<"$decision") in
      head) head=$(repository_head | jq -R .) || return 1 ;;
      descends)
        descends=false
        is_ancestor "$(jq -r .of <<<"$decision")" "$(state_read | jq -r .revision)" && descends=true
        ;;
      *) break ;;
    esac
  done
  printf '%s' "$decision"
}

driver_current() {
  local current
  current=$(readlink -f /run/current-system) || return 0
  # A profile that says something else than what runs is no consistent state.
  [ ! -e "$profile" ] || [ "$(readlink -f "$profile")" = "$current" ] || return 0
  [ ! -e "$current" ] || printf '%s' "$current"
}

# No update may orphan its machine.
driver_check() {
  [ -e "$1/etc/systemd/system/$(contract .units.system).timer" ] || {
    say "the target does not enable services.nixos-auto-update: this machine would never update again"
    return 1
  }
}

# The profile first, so that also a machine that dies in the switch boots into what was meant; whoever calls goes
# back by the same function.
driver_switch() {
  local status=0
  nix-env --profile "$profile" --set "$1" || return
  timeout -k 30 "$switch_seconds" "$1/bin/switch-to-configuration" switch || status=$?
  reboot_required=false
  case $status in
    0) ;;
    100) reboot_required=true ;;
    4)
      say "some units failed: $(systemctl list-units --failed --plain --no-legend | awk '{ print $1 }' | xargs)"
      return 4
      ;;
    *)
      say "switch-to-configuration ended with $status"
      return "$status"
      ;;
  esac
}

driver_report() {
  report | publish "$(contract .guestAttributes.system)"
  case $(jq -r .outcome "$(state_file)") in
    updated | unchanged) allow_homes ;;
  esac
}

# The clone for people: fast-forwarded when it is clean, left alone otherwise, never the source of a build.
refresh_clone() {
  if [ ! -e "$directory/.git" ]; then
    git clone --quiet --branch "$branch" "$repository" "$directory" 2>&1 || say "$directory: cannot be cloned now"
    return 0
  fi
  if [ -z "$(git -C "$directory" status --porcelain 2>&1)" ]; then
    git -C "$directory" pull --quiet --ff-only 2>&1 || say "$directory: cannot be fast-forwarded; left as it is"
  else
    say "$directory has local changes; left as it is"
  fi
}

# run TRIGGER WHO FORCE
run_system() {
  local decision
  take_lock "$(contract .paths.lock)" "started by $1${2:+ for $2}" || return
  say "asked by ${2:-$1}"
  load_settings || return
  decision=$(decide "$3") || {
    say "the repository $repository cannot be reached; this machine stays at what it runs"
    finish '{ "outcome": "failed", "stage": "fetch", "error": "the repository cannot be reached" }'
    return 0
  }
  carry_out "$decision" || {
    refresh_clone
    return 1
  }
  refresh_clone
}
