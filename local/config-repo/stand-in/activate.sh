#!/bin/bash
# Makes this system the running one, as far as files go: at boot before systemd, and within a switch.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

system=$(readlink -f "$0")
system=${system%/*}
status=0

make_users() {
  local file user groups
  for file in "$system"/users/*; do
    [[ -e $file ]] || continue
    user=${file##*/}
    [[ $'\n'$(</etc/passwd) == *$'\n'"$user:"* ]] || useradd --create-home --shell /bin/bash --password '*' "$user"
    groups=$(<"$file")
    [[ -z $groups ]] || usermod --append --groups "$groups" "$user"
  done
}

# Copies, because sshd trusts no file below a folder that a group may write, such as the store.
write_keys() {
  local file
  [[ ! -d /etc/ssh/authorized_keys.d ]] || rm -rf /etc/ssh/authorized_keys.d
  for file in "$system"/authorized_keys/*; do
    [[ -e $file ]] || continue
    install -D -m 444 "$file" "/etc/ssh/authorized_keys.d/${file##*/}"
  done
}

# As NixOS does: /etc/static is this system's etc, and every file of it a link through that. Most links are there already; one ln for each
# folder makes the others.
link_etc() {
  local path target folder
  local -A there=() wanted=() links=()
  local -a gone=()
  ln -sfnT "$system/etc" /etc/static.new
  mv -T /etc/static.new /etc/static
  # The certificates and people's clone, most of what is below /etc, have none.
  while IFS=$'\t' read -r path target; do
    there[$path]=$target
  done < <(find /etc -xdev \( -path /etc/ssl -o -path /etc/nixos \) -prune -o -lname '/etc/static/*' -printf '%P\t%l\n')
  while IFS= read -r path; do
    wanted[$path]=''
    target=/etc/static/$path
    folder=/etc/$path
    [[ ${there[$path]-} == "$target" ]] || links[${folder%/*}]+=" ${target@Q}"
  done < <(cd "$system/etc" && find . ! -type d -printf '%P\n')
  for path in "${!there[@]}"; do
    [[ ${wanted[$path]+set} ]] || gone+=("/etc/$path")
  done
  [[ ${#gone[@]} -eq 0 ]] || rm -f -- "${gone[@]}"
  for folder in "${!links[@]}"; do
    [[ -d $folder ]] || mkdir -p "$folder"
    eval "ln -sfn --target-directory=${folder@Q} -- ${links[$folder]}"
  done
}

run_snippets() {
  local snippet
  for snippet in "$system"/activation/*; do
    [[ -e $snippet ]] || continue
    "$snippet" || {
      echo "Activation script snippet '${snippet##*/}' failed ($?)" >&2
      status=1
    }
  done
}

make_users
write_keys
link_etc
run_snippets
[[ -d /run ]] || mkdir -p /run
ln -sfnT "$system" /run/current-system
exit "$status"
