# shellcheck shell=bash
# Secret Manager, asked with the VM's own service account: what the machine's repository asks for, and what those of its homes do.

secret_manager=${NIXOS_AUTO_UPDATE_SECRET_MANAGER:-https://secretmanager.googleapis.com}

# The machine's own lies in a file of root's that a reboot forgets. Where Secret Manager does not answer, the one of before will have
# to do.
machine_credential() {
  local secret url file=$run_dir/credential
  secret=$(setting deployKeySecret) url=$(driver_repository)
  [[ -n $secret ]] || return 0
  [[ -s $file ]] || fetch_secret "$secret" "$url" "$file" root || credential_error=$secret_error
  [[ -z $credential_error ]] || log "$credential_error"
  [[ ! -s $file ]] || credential=$file
}

# After a refusal: whether there is another one by now.
renew_machine_credential() {
  [[ -n $credential ]] || return
  fetch_secret "$(setting deployKeySecret)" "$(driver_repository)" "$credential" root || {
    [[ -z $secret_error ]] || log "$secret_error"
    return 1
  }
  log "what the repository asks for was rotated; using the new one"
}

# Puts what a secret holds into a file that its owner alone reads. False where it is in there already, and where it cannot be had,
# which $secret_error then says.
fetch_secret() { # secret, url of the repository that asks for it, file, owner
  local kind
  secret_error=
  kind=$(credential_kind "$2")
  install --mode=600 /dev/null "$3.new"
  if [[ -z $kind ]]; then
    secret_error="$1 is not used: $2 would carry it in clear, https or ssh would not"
  elif read_secret "$1" >"$3.new" && ! credential_fits "$kind" "$3.new"; then
    secret_error="$1 holds no $kind, which $2 asks for"
  fi
  if [[ -z $secret_error ]] && ! cmp --silent "$3.new" "$3" && chown "$4" "$3.new" && chmod 400 "$3.new"; then
    mv -fT "$3.new" "$3"
  else
    rm -f "$3.new"
    return 1
  fi
}

# Prints the latest version. Neither token nor secret is ever on a command line.
read_secret() { # secret
  local token answer
  token=$(vm_token) || {
    secret_error="$1 cannot be had: the metadata server gives no token"
    return 1
  }
  answer=$(curl --silent --show-error --connect-timeout 10 --max-time 30 --header @<(printf 'Authorization: Bearer %s\n' "$token") \
    "$secret_manager/v1/$(secret_version "$1"):access" 2>&1) || {
    secret_error="$1 cannot be had: $(one_line "$answer")"
    return 1
  }
  # ssh insists on the last newline and on no carriage returns, which nobody sees when they store a key.
  jq --exit-status --raw-output '.payload.data | strings | @base64d | gsub("\r"; "") | sub("\\s+$"; "")' <<<"$answer" 2>/dev/null || {
    secret_error="$1 cannot be had: $(one_line "$(jq --raw-output '.error.message // "no answer that can be read"' <<<"$answer" 2>/dev/null)")"
    return 1
  }
}

# projects/P/secrets/S, with or without /versions/V.
secret_version() { # name
  case $1 in
    */versions/*) printf '%s' "$1" ;;
    *) printf '%s/versions/latest' "$1" ;;
  esac
}
