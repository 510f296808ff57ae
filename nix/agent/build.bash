# shellcheck shell=bash
# Building exactly one commit of the mirror.

build_timeout=${NIXOS_AUTO_UPDATE_BUILD_TIMEOUT:-7200} # seconds

# An attribute of the flake at that revision of the mirror, by the name that it was given there.
mirror_installable() { # mirror, revision, attribute
  printf 'git+file://%s?ref=refs/nixos-fleet/%s&rev=%s#%s' "$1" "$2" "$2" "$3"
}

# Builds and prints the store path; the link keeps the result from being collected. In $build_error why that failed.
build() { # link, installable
  local link=$1 installable=$2 log_file=$run_dir/build.log out_file=$run_dir/build.out status=0 end=$((SECONDS + build_timeout))
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
  ((status == 0)) || build_error=$(build_complaint "$log_file" "$status" "$((SECONDS >= end))")
  rm -f "$log_file" "$out_file" "$out_file.status"
  return "$status"
}

# Whether a build that failed lacked nothing but somebody who answers: what a server says it does not have stays so.
build_may_pass() { # complaint
  [[ $1 =~ (unable to|cannot)\ download ]] && [[ ! $1 =~ HTTP\ error\ 4[0-9][0-9] ]]
}

# Whether it fell to a kernel without memory, or could not get any: the machine's fault at that moment, not the revision's.
build_lacked_memory() { # complaint
  [[ $1 =~ the\ build\ was\ killed|failed\ due\ to\ signal\ 9|exit\ code\ 137|[Oo]ut\ of\ memory|Cannot\ allocate\ memory ]]
}

build_complaint() { # file, exit status, 1 where its time was over
  if ((($2 == 124 || $2 == 137) && $3)); then
    echo "the build did not end within $build_timeout s"
  elif (($2 == 137)); then
    echo "the build was killed; most likely the machine has too little memory"
  fi
  query failure --raw-input --slurp --raw-output "$1"
}
