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

folder_of() { # path
  local folder=${1%/*}
  [[ $folder = "$1" || -d $folder ]] || mkdir -p "$folder"
}

write() { # mode path text
  folder_of "$2"
  printf %s "$3" >"$2"
  modes[$1]+=" ${2@Q}"
}

mkdir -p "$out"
cd "$out"
for path in "${!files[@]}"; do
  write 444 "$path" "${files[$path]}"
done
for path in "${!executables[@]}"; do
  write 555 "$path" "${executables[$path]}"
done
for path in "${!links[@]}"; do
  folder_of "$path"
  ln -s "${links[$path]}" "$path"
done
for mode in "${!modes[@]}"; do
  eval "chmod $mode -- ${modes[$mode]}"
done
eval "$commands"
