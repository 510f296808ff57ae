# shellcheck shell=bash
# Prebuilt systems: an approval may name a manifest, { host: store path }, whose paths come from substituters, which sign them.

# Realises what the manifest names, in $built; false where it has to be built here.
realise_prebuilt() {
  local path url=${decision[manifest]}
  [[ -n $url ]] || return
  path=$(prebuilt_path "$url" "${decision[manifestDigest]}") || return
  log "→ realising $path"
  realise_log=$(timeout --kill-after=30 "$build_timeout" nix-store --realise "$path" --add-root "$state_dir/built" 2>&1 >/dev/null) || {
    log "$path cannot be had prebuilt, building: $(one_line "$(tail -n 1 <<<"$realise_log")")"
    return 1
  }
  built=$path
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
  curl --silent --fail --location --proto '=http,https' --connect-timeout 10 --max-time 60 --max-filesize 10000000 "$1" >"$run_dir/manifest" || {
    log "the manifest does not come; building"
    return 1
  }
  [[ $(sha256sum <"$run_dir/manifest") == "$2  -" ]] || {
    log "the manifest is not the approved one, by its digest; building"
    return 1
  }
  cat "$run_dir/manifest"
}
