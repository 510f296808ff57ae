#!/bin/bash
# Home Manager's `activate`: links this home's files, makes it the profile unless its driver does
# (`--driver-version 1`), and tells the user's systemd.
set -euo pipefail
shopt -s nullglob

new=$(readlink -f "$0")
new=${new%/*}
# shellcheck source=switch/unit-file.bash
. "$new/stand-in/unit-file.bash"
state=${XDG_STATE_HOME:-$HOME/.local/state}
profile=$state/nix/profiles/home-manager
current=$state/home-manager/gcroots/current-home
old=$(readlink -e "$current" || true)
driver=0
[[ ${1-} != --driver-version ]] || driver=${2-0}
backup=${HOME_MANAGER_BACKUP_EXT-}
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}

check_user() {
  [[ ${USER-} == "$(<"$new/user")" ]] || {
    echo "USER is \"${USER-}\", expected \"$(<"$new/user")\"" >&2
    exit 1
  }
}

files_of() { # generation
  [[ -z $1 ]] || (cd "$1/home-files/" && find . ! -type d -printf '%P\n')
}

is_ours() { # path
  [[ -L $1 && $(readlink "$1") == /nix/store/*-home-manager-files/* ]]
}

# A file that someone put where one of ours goes is moved aside, a link ends this, before anything has changed. What has the same content
# is no collision, and neither is a link to nothing: both are replaced (Home Manager, modules/files/check-link-targets.sh).
check_collisions() {
  local path target collisions=()
  while IFS= read -r path; do
    target=$HOME/$path
    if [[ ! -e $target ]] || is_ours "$target" || cmp -s "$new/home-files/$path" "$target"; then
      continue
    elif [[ -L $target || -z $backup ]]; then
      collisions+=("Existing file '$target' would be clobbered")
    elif [[ -e $target.$backup ]]; then
      collisions+=("Existing file '$target.$backup' would be clobbered by backing up '$target'")
    fi
  done < <(files_of "$new")
  [[ ${#collisions[@]} -eq 0 ]] || {
    printf '%s\n' "${collisions[@]}" >&2
    exit 1
  }
}

set_profile() {
  [[ $driver == 0 && $(readlink -e "$profile") != "$new" ]] || return 0
  mkdir -p "$(dirname "$profile")"
  nix-env --profile "$profile" --set "$new"
}

link_files() {
  local path files folder
  while IFS= read -r path; do
    if [[ ! -e $new/home-files/$path ]] && is_ours "$HOME/$path"; then
      rm "$HOME/$path"
      [[ $path != */* ]] || (cd "$HOME" && rmdir -p --ignore-fail-on-non-empty "${path%/*}")
    fi
  done < <(files_of "$old")
  files=$(readlink -f "$new/home-files")
  while IFS= read -r path; do
    folder=$HOME/$path
    folder=${folder%/*}
    [[ -d $folder ]] || mkdir -p "$folder"
    if [[ -e $HOME/$path && ! -L $HOME/$path && -n $backup ]]; then
      mv "$HOME/$path" "$HOME/$path.$backup" || echo "Moving '$HOME/$path' failed!" >&2
    fi
    ln -sfnT "$files/$path" "$HOME/$path"
  done < <(files_of "$new")
}

run_snippets() {
  local snippet
  for snippet in "$new"/activation/*; do
    [[ ! -e $snippet ]] || "$snippet"
  done
}

# As sd-switch 0.6.4 does: what is gone is stopped, what changed is stopped and started unless it says otherwise, and what a target
# that runs wants is started. A oneshot that is at work counts as running.
declare -a to_stop=() to_reload=() to_restart=() to_start=()
units=.config/systemd/user

switch_units() {
  local unit active
  active=$(systemctl --user list-units --all --state=active,activating --plain --no-legend --full | awk '{ print $1 }')
  while read -r unit; do plan_unit "$unit"; done <<<"$active"
  plan_wanted "$active"
  run_jobs stop "${to_stop[@]}"
  systemctl --user reset-failed
  systemctl --user daemon-reload
  run_jobs reload "${to_reload[@]}"
  run_jobs restart "${to_restart[@]}"
  run_jobs start "${to_start[@]}"
}

run_jobs() { # verb, units…
  [[ $# -eq 1 ]] || systemctl --user "$1" -- "${@:2}"
}

# Into REPLY the file of a unit or of its template; nothing where a generation has none.
unit_file() { # generation, unit
  local file
  for file in "$2" "${2%%@*}@.${2##*.}"; do
    REPLY=$1/home-files/$units/$file
    [[ -z $1 || ! -e $REPLY ]] || return 0
  done
  REPLY=
}

# Text and comments apart, what counts of a unit; the drop-ins in order after it.
unit_text() { # file, keys of [Unit] to leave out…
  local -A unit=()
  local entry
  read_unit unit "$1" "$1.d"
  for entry in "${@:2}"; do unset "unit[Unit.$entry]"; done
  for entry in "${!unit[@]}"; do printf '%s=%s\n' "$entry" "${unit[$entry]}"; done | sort
}

plan_unit() { # unit that runs
  local before after
  unit_file "$old" "$1"
  before=$REPLY
  unit_file "$new" "$1"
  after=$REPLY
  if [[ -z $after ]]; then
    [[ -z $before ]] || refuses_stop "$1" || to_stop+=("$1")
  elif [[ -n $before && $(unit_text "$before" Description Documentation) == "$(unit_text "$after" Description Documentation)" ]]; then
    return 0
  elif [[ -n $before && $(unit_text "$before" Description Documentation X-Reload-Triggers) == "$(unit_text "$after" Description Documentation X-Reload-Triggers)" ]]; then
    to_reload+=("$1")
  elif [[ $1 == *.target ]]; then
    to_start+=("$1")
  else
    plan_changed "$1" "$after"
  fi
}

plan_changed() { # unit that runs, its new file
  case $(switch_method "$2") in
    reload) to_reload+=("$1") ;;
    restart) to_restart+=("$1") ;;
    keep-old) ;;
    stop-only) refuses_stop "$1" || to_stop+=("$1") ;;
    *)
      refuses_stop "$1" || {
        to_stop+=("$1")
        to_start+=("$1")
      }
      ;;
  esac
}

switch_method() { # unit file
  local -A unit=()
  local method=Unit.X-SwitchMethod
  read_unit unit "$1" "$1.d"
  if is_true unit Unit.RefuseManualStart false; then
    echo stop-only
  else
    echo "${unit[$method]-stop-start}"
  fi
}

refuses_stop() { # unit
  [[ $(systemctl --user show --property=RefuseManualStop --value -- "$1") == yes ]]
}

plan_wanted() { # the units that run, a line each
  local link target
  for link in "$new/home-files/$units"/*.target.wants/*; do
    target=${link%/*}
    target=${target##*/}
    target=${target%.wants}
    grep -qxF -- "$target" <<<"$1" || continue
    ! grep -qxF -- "${link##*/}" <<<"$1" || continue
    [[ $(switch_method "$link") == stop-only ]] || to_start+=("${link##*/}")
  done
}

reload_systemd() {
  case $(systemctl --user is-system-running 2>/dev/null) in
    running | degraded) switch_units ;;
    *) echo "User systemd daemon not running. Skipping reload." >&2 ;;
  esac
}

check_user
check_collisions
set_profile
link_files
run_snippets
reload_systemd
nix-store --realise "$new" --add-root "$current" >/dev/null
