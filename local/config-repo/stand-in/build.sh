#!/bin/bash
# Builds one tree: its files, executables and links come as associative arrays, `commands` runs last, inside it.
set -euo pipefail
export PATH=/usr/bin:/bin

# shellcheck source=/dev/null
. "${NIX_ATTRS_SH_FILE:-.attrs.sh}"
declare -A outputs files executables links
declare commands
export out=${outputs[out]}

write() { # mode path text
  mkdir -p "$(dirname "$out/$2")"
  printf %s "$3" >"$out/$2"
  chmod "$1" "$out/$2"
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
  mkdir -p "$(dirname "$path")"
  ln -s "${links[$path]}" "$path"
done
eval "$commands"
