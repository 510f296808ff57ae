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
declare -A modes

make_folders() { # paths…
  local path
  local -A folders=()
  for path in "$@"; do
    [[ $path != */* ]] || folders[${path%/*}]=''
  done
  [[ ${#folders[@]} -eq 0 ]] || mkdir -p -- "${!folders[@]}"
}

write() { # mode path text
  printf %s "$3" >"$2"
  modes[$1]+=" ${2@Q}"
}

mkdir -p "$out"
cd "$out"
make_folders "${!files[@]}" "${!executables[@]}" "${!links[@]}"
for path in "${!files[@]}"; do
  write 444 "$path" "${files[$path]}"
done
for path in "${!executables[@]}"; do
  write 555 "$path" "${executables[$path]}"
done
for path in "${!links[@]}"; do
  ln -s "${links[$path]}" "$path"
done
for mode in "${!modes[@]}"; do
  eval "chmod $mode -- ${modes[$mode]}"
done
eval "$commands"
