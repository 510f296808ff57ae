# shellcheck shell=bash
# The deploy key: out of Secret Manager, with the VM's own service account, into a file of root's that a reboot forgets.

secret_manager=${NIXOS_AUTO_UPDATE_SECRET_MANAGER:-https://secretmanager.googleapis.com}

# Sees to the key where one is configured. Where Secret Manager does not answer, the one of before will have to do.
use_deploy_key() {
  local secret
  secret=$(setting deployKeySecret)
  deploy_key=
  [[ -n $secret ]] || return 0
  deploy_key=$run_dir/deploy-key
  [[ -s $deploy_key ]] || fetch_deploy_key || log "the deploy key $secret cannot be had: ${secret_error:-no answer}"
  [[ -s $deploy_key ]] || deploy_key=
}

# After a refusal the key may have been rotated. Whether there is another one now.
renew_deploy_key() {
  local before
  [[ -n ${deploy_key-} ]] || return
  before=$(sha256sum <"$deploy_key")
  fetch_deploy_key && [[ $before != "$(sha256sum <"$deploy_key")" ]] && log "the deploy key was rotated; using the new one"
}

# Neither token nor key is ever on a command line.
fetch_deploy_key() {
  local token answer
  secret_error=
  token=$(metadata_request instance/service-accounts/default/token 2>/dev/null | jq --raw-output .access_token) || {
    secret_error="the metadata server gives no token"
    return 1
  }
  answer=$(curl --silent --show-error --connect-timeout 10 --max-time 30 --header @- \
    "$secret_manager/v1/$(secret_version "$(setting deployKeySecret)"):access" <<<"Authorization: Bearer $token" 2>&1) || {
    secret_error=$(one_line "$answer")
    return 1
  }
  (umask 077 && jq --exit-status --raw-output '.payload.data | @base64d' <<<"$answer" >"$run_dir/deploy-key.new" 2>/dev/null) || {
    rm -f "$run_dir/deploy-key.new"
    secret_error=$(one_line "$(jq --raw-output '.error.message // "no answer that can be read"' <<<"$answer" 2>/dev/null)")
    return 1
  }
  # ssh insists on the last newline, which people forget when they store a key.
  [[ -z $(tail -c 1 "$run_dir/deploy-key.new") ]] || echo >>"$run_dir/deploy-key.new"
  mv "$run_dir/deploy-key.new" "$run_dir/deploy-key"
}

# projects/P/secrets/S, with or without /versions/V.
secret_version() { # name
  case $1 in
    */versions/*) printf '%s' "$1" ;;
    *) printf '%s/versions/latest' "$1" ;;
  esac
}
