# shellcheck shell=bash
# Building exactly one commit of the mirror.

build_timeout=${NIXOS_AUTO_UPDATE_BUILD_TIMEOUT:-7200} # seconds

# An attribute of the flake at that revision of the mirror, by the name that it was given there.
mirror_installable() { # mirror, revision, attribute
  printf 'git+file://%s?ref=refs/nixos-fleet/%s&rev=%s#%s' "$1" "$2" "$2" "$3"
}

# Builds and prints the store path; the link keeps the result from being collected. In $build_error why that failed.
build() { # link, installable
  local link=$1 installable=$2 log_file out_file status=0
  log_file=$(mktemp) out_file=$(mktemp)
  build_error=
  # nix replaces its own links only.
  rm -rf "$link"
  {
    timeout --kill-after=30 "$build_timeout" \
      nix --extra-experimental-features 'nix-command flakes' build --out-link "$link" --print-out-paths \
      --no-update-lock-file --no-write-lock-file "$installable" 2>&1 >"$out_file" || status=$?
    printf '%s' "$status" >"$out_file.status"
  } | tee "$log_file" >&2
  status=$(<"$out_file.status")
  built=$(<"$out_file")
  ((status == 0)) || build_error=$(build_complaint "$log_file" "$status")
  rm -f "$log_file" "$out_file" "$out_file.status"
  return "$status"
}

build_complaint() { # file, exit status
  [[ $2 != 124 && $2 != 137 ]] || echo "the build did not end within $build_timeout s"
  query failure --raw-input --slurp --raw-output "$1"
}
