# shellcheck shell=bash
# Room on the disk: checked before a build, made by collecting garbage, and kept by dropping old generations.

# Whether there is room for a build; else says why in $room_error.
make_room() {
  local wanted free
  room_error=
  wanted=$(setting minimumFree)
  wanted=${wanted:-1024}
  ((wanted > 0)) || return 0
  free=$(free_mebibytes)
  ((free < wanted)) || return 0
  log "$free MiB free, $wanted wanted: collecting garbage"
  prune_generations
  collect_garbage "$(((wanted - free) * 1024 * 1024 * 2))"
  free=$(free_mebibytes)
  ((free < wanted)) || return 0
  room_error="not enough room to build: $free MiB free in /nix/store, minimumFree is $wanted MiB"
  return 1
}

collect_garbage() { # bytes
  local complaint
  complaint=$(timeout --kill-after=30 1800 nix-store --gc --max-freed "$1" 2>&1 >/dev/null) ||
    log "collecting garbage failed: $(one_line "$(tail -n 1 <<<"$complaint")")"
}

free_mebibytes() {
  df --output=avail --block-size=1M /nix/store | tail -n 1 | tr -d ' '
}

# Keeps the newest generations of the profile. The current one is never dropped.
prune_generations() {
  local keep
  keep=$(setting keepGenerations)
  keep=${keep:-10}
  ((keep > 0)) || return 0
  nix-env --profile "$profile" --delete-generations "+$keep" &>/dev/null || log "could not drop old generations"
  prune_mirror
}

# The mirror keeps a name for what is deployed, what was before and what is wanted; the rest may go.
prune_mirror() {
  local name
  while read -r name; do
    case ${name##*/} in
      "${decision[revision]}" | "${decision[deployed]}" | "${decision[previous]}") ;;
      *) quiet_git --git-dir="$mirror" update-ref -d "$name" ;;
    esac
  done < <(quiet_git --git-dir="$mirror" for-each-ref --format='%(refname)' refs/nixos-fleet/)
  quiet_git --git-dir="$mirror" gc --auto --quiet 2>/dev/null || true
}
