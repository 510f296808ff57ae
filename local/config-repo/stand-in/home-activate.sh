#!/bin/bash
# Home Manager's `activate`: links this home's files, makes it the profile unless its driver does
# (`--driver-version 1`), and tells the user's systemd.
set -euo pipefail

new=$(dirname "$(readlink -f "$0")")
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
  [[ $(readlink "$1" || true) == /nix/store/*-home-manager-files/* ]]
}

is_foreign() { # path
  [[ -e $1 || -L $1 ]] && ! is_ours "$1"
}

# A file that somebody put where one of ours goes is moved aside or ends this, before anything has changed.
check_collisions() {
  local path collisions=()
  while IFS= read -r path; do
    if is_foreign "$HOME/$path" && [[ -z $backup || -e $HOME/$path.$backup ]]; then
      collisions+=("$HOME/$path")
    fi
  done < <(files_of "$new")
  [[ ${#collisions[@]} -eq 0 ]] || {
    printf "Existing file '%s' would be clobbered\n" "${collisions[@]}" >&2
    exit 1
  }
}

set_profile() {
  [[ $driver == 0 && $(readlink -e "$profile") != "$new" ]] || return 0
  mkdir -p "$(dirname "$profile")"
  nix-env --profile "$profile" --set "$new"
}

link_files() {
  local path files
  while IFS= read -r path; do
    if [[ ! -e $new/home-files/$path ]] && is_ours "$HOME/$path"; then
      rm "$HOME/$path"
      [[ $path != */* ]] || (cd "$HOME" && rmdir -p --ignore-fail-on-non-empty "${path%/*}")
    fi
  done < <(files_of "$old")
  files=$(readlink -f "$new/home-files")
  while IFS= read -r path; do
    mkdir -p "$(dirname "$HOME/$path")"
    ! is_foreign "$HOME/$path" || mv "$HOME/$path" "$HOME/$path.$backup"
    ln -sfnT "$files/$path" "$HOME/$path"
  done < <(files_of "$new")
}

run_snippets() {
  local snippet
  for snippet in "$new"/activation/*; do
    [[ ! -e $snippet ]] || "$snippet"
  done
}

units_of() { # generation
  files_of "$1" | sed -n 's|^\.config/systemd/user/\([^/]*\)$|\1|p'
}

# As sd-switch does: stops what is gone, restarts what changed unless told to keep it, starts what is wanted.
switch_units() {
  local unit folder=.config/systemd/user to_stop=() to_restart=()
  while IFS= read -r unit; do
    systemctl --user is-active --quiet "$unit" || continue
    if [[ ! -e $new/home-files/$folder/$unit ]]; then
      to_stop+=("$unit")
    elif ! cmp -s "$old/home-files/$folder/$unit" "$new/home-files/$folder/$unit" &&
      ! grep -qx X-SwitchMethod=keep-old "$new/home-files/$folder/$unit"; then
      to_restart+=("$unit")
    fi
  done < <(units_of "$old")
  [[ ${#to_stop[@]} -eq 0 ]] || systemctl --user stop "${to_stop[@]}"
  systemctl --user daemon-reload
  [[ ${#to_restart[@]} -eq 0 ]] || systemctl --user restart "${to_restart[@]}"
  start_wanted
}

start_wanted() {
  local folder target
  for folder in "$new"/home-files/.config/systemd/user/*.wants; do
    [[ -d $folder ]] || continue
    target=$(basename "$folder" .wants)
    systemctl --user is-active --quiet "$target" || continue
    find "$folder" -mindepth 1 -printf '%f\n' | xargs -r systemctl --user start
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
