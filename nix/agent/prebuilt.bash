# shellcheck shell=bash
# Prebuilt systems: an approval may name a manifest, { host: store path }, whose paths come from substituters, which sign them.

stall_timeout=${NIXOS_AUTO_UPDATE_STALL:-60} # seconds in which a substituter must send something

# Realises what the manifest names, in $built; false where it has to be built here.
realise_prebuilt() {
  local path url=${decision[manifest]} options complaint
  [[ -n $url ]] || return
  path=$(prebuilt_path "$url" "${decision[manifestDigest]}") || return
  log "→ realising $path"
  options=(--option connect-timeout "$stall_timeout" --option stalled-download-timeout "$stall_timeout" --option download-attempts 3)
  use_cache "$path"
  complaint=$(timeout --kill-after=30 "$build_timeout" \
    nix-store --realise "$path" "${options[@]}" --add-root "$state_dir/built" 2>&1 >/dev/null) || {
    rm -rf "$state_dir/cache"
    complaint=$(substitution_complaint "$complaint")
    log "$path cannot be had prebuilt; building: $(one_line "${complaint//"'$path'"/it}")"
    return 1
  }
  rm -rf "$state_dir/cache"
  built=$path
}

# Nix warns of the reason, and ends with an error that only says that it could not.
substitution_complaint() { # output
  grep -v "^error: build of '" <<<"$1" | grep -E '^(warning|error):' | tail -n 1 || tail -n 1 <<<"$1"
}

# Has Nix's $options name the fleet's cache, beside the substituters that it has; its key is trusted for this one path's closure.
use_cache() { # store path
  local cache url key
  cache=$(setting cache)
  [[ -n $cache ]] || return 0
  { read -r url && read -r key; } < <(jq --raw-output '.url, .publicKey' <<<"$cache") || return 0
  if is_bucket "$url"; then
    fetch_closure "$1" "$url" "$state_dir/cache"
    url=file://$state_dir/cache
  fi
  options+=(--option extra-substituters "$url" --option extra-trusted-public-keys "$key")
}

prebuilt_path() { # url, sha256 of the manifest
  local manifest path
  manifest=$(mktemp)
  if ! prebuilt_manifest "$1" "$2" >"$manifest"; then
    rm -f "$manifest"
    return 1
  fi
  path=$(jq --raw-output --arg host "$(setting host)" '.[$host] // ""' "$manifest" 2>/dev/null) || path=
  rm -f "$manifest"
  [[ $path =~ ^/nix/store/[0-9a-z]{32}-[0-9A-Za-z+._?=-]+$ ]] || {
    log "the manifest names no store path for $(setting host); building"
    return 1
  }
  printf '%s' "$path"
}

prebuilt_manifest() { # url, sha256
  [[ $1 =~ ^https?:// ]] || {
    log "the manifest's URL must be http(s); building"
    return 1
  }
  if is_bucket "$1"; then
    bucket_get "$1" "$run_dir/manifest"
  else
    curl --silent --fail --location --proto '=http,https' --connect-timeout 10 --max-time 60 --max-filesize 10000000 "$1" >"$run_dir/manifest"
  fi || {
    log "the manifest does not come; building"
    return 1
  }
  [[ $(sha256sum <"$run_dir/manifest") == "$2  -" ]] || {
    log "the manifest is not the approved one, by its digest; building"
    return 1
  }
  cat "$run_dir/manifest"
}
