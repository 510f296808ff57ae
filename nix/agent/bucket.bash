# shellcheck shell=bash
# What lies in a private bucket of Cloud Storage: Nix cannot sign in there, so the agent fetches with the VM's own token what Nix then
# takes from a folder and checks the signatures of, as it does with any substituter.

cloud_storage=${NIXOS_AUTO_UPDATE_STORAGE:-https://storage.googleapis.com}

# curl's arguments for an address: the token goes to Cloud Storage and to nobody else.
bucket_get() { # url, file
  local token
  token=$(vm_token) || return
  mkdir -p "${2%/*}"
  curl --silent --fail --connect-timeout 10 --max-time 3600 --header @<(printf 'Authorization: Bearer %s\n' "$token") \
    --output "$2.new" "$1" || {
    rm -f "$2.new"
    return 1
  }
  mv "$2.new" "$2"
}

is_bucket() { [[ $1 == "$cloud_storage"/* ]]; } # url

# Of a path and all that it needs, what is neither here nor there yet. What the bucket does not have other substituters may.
fetch_closure() { # store path, the bucket's url, folder
  local wanted=("$1") next path name nar reference
  mkdir -p "$3"
  echo 'StoreDir: /nix/store' >"$3/nix-cache-info"
  while ((${#wanted[@]} > 0)); do
    next=()
    for path in "${wanted[@]}"; do
      name=${path##*/} name=${name:0:32}.narinfo
      [[ ! -e $path && ! -e $3/$name ]] || continue
      bucket_get "$2/$name" "$3/$name" || continue
      nar=$(sed -n 's/^URL: //p' "$3/$name")
      [[ $nar =~ ^nar/[0-9a-z]+\.nar(\.[0-9a-z]+)?$ ]] || continue
      bucket_get "$2/$nar" "$3/$nar" || continue
      while read -r reference; do
        [[ -z $reference ]] || next+=("/nix/store/$reference")
      done < <(sed -n 's/^References: //p' "$3/$name" | tr ' ' '\n')
    done
    wanted=("${next[@]}")
  done
}
