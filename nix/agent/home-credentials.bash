# shellcheck shell=bash
# What the repositories of homes ask for. A user cannot reach the metadata server, so root fetches it and hands it over: a folder for
# each user, which root alone writes, with the credential, which that user alone reads, or with why there is none.

# To all who are there, as homes.json says; who is not meant to have one any more has none.
hand_over_credentials() { # homes.json's text
  local user folder secret url
  [[ $1 == *'"deployKeySecret"'* || -d $contract_home_credentials ]] || return 0
  for folder in "$contract_home_credentials"/*; do
    [[ ! -d $folder || -n $(keyed_homes "$1" "${folder##*/}") ]] || rm -rf "$folder"
  done
  while read -r user secret url; do
    [[ -s $contract_home_credentials/$user/credential ]] || hand_over "$user" "$secret" "$url" || true
  done < <(keyed_homes "$1")
}

# To one; after a refusal there may be another one by now.
hand_over_anew() { # user
  local user secret url homes
  read_into homes "$run_dir/homes.json"
  read -r user secret url < <(keyed_homes "$homes" "$1") || return 0
  ! hand_over "$user" "$secret" "$url" || log "home of $user: handed over what its repository asks for"
}

hand_over() { # user, secret, url
  local folder=$contract_home_credentials/$1
  is_user_name "$1" && id -u "$1" &>/dev/null || return
  mkdir -p "$folder"
  fetch_secret "$2" "$3" "$folder/credential" "$1" && rm -f "$folder/error" && return
  [[ -z $secret_error ]] || {
    log "home of $1: $secret_error"
    write_file "$folder/error" "$secret_error"
  }
  return 1
}

# Of all users or of one: name, secret and repository, a line each.
keyed_homes() { # homes.json's text, [user]
  jq --raw-output --arg user "${2-}" '.homes[] | select($user == "" or .user == $user)
    | select(.repository != null and .deployKeySecret != null) | "\(.user) \(.deployKeySecret) \(.repository)"' <<<"$1" 2>/dev/null
}
