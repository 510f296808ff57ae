#!/bin/bash
# Builds one tree: its files, executables and links come as associative arrays, `commands` runs last, inside it.
set -euo pipefail
export PATH=/usr/bin:/bin

# shellcheck source=/dev/null
. "${NIX_ATTRS_SH_FILE:-.attrs.sh}"
declare -A outputs files executables links
declare commands
export out=${outputs[out]}

# Most of a build's time would be programs that start: shells and few of them do what can be done so.
make_folders() { # paths…
  local path
  local -A folders=([$out]='')
  for path in "$@"; do
    path=$out/$path
    folders[${path%/*}]=''
  done
  mkdir -p -- "${!folders[@]}"
}

# Links that are called as what they lead to take one ln for each folder.
make_links() {
  local path target folder
  local -A same=()
  for path in "${!links[@]}"; do
    target=${links[$path]}
    if [[ ${target##*/} == "${path##*/}" ]]; then
      folder=./$path
      same[${folder%/*}]+=" ${target@Q}"
    else
      ln -s "$target" "$path"
    fi
  done
  for folder in "${!same[@]}"; do
    eval "ln -s --target-directory=${folder@Q} -- ${same[$folder]}"
  done
}

make_folders "${!files[@]}" "${!executables[@]}" "${!links[@]}"
cd "$out"
for path in "${!files[@]}"; do
  printf %s "${files[$path]}" >"$path"
done
for path in "${!executables[@]}"; do
  printf %s "${executables[$path]}" >"$path"
done
# Nix takes the right to write from every file.
[[ ${#executables[@]} -eq 0 ]] || chmod 555 -- "${!executables[@]}"
make_links
eval "$commands"
