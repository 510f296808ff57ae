# shellcheck shell=bash
# One update at a time. Whoever comes second says who runs, waits, and then decides anew.

lock_patience=7200 # seconds; a run's own limits end it long before

acquire_lock() { # file, who
  local file=$1 who=$2 holder
  # Only the owner may open it: anybody who can read a file can also lock it. The folder may be everybody's, so what is there may be
  # anything of anybody's; a link would have the owner write where it leads.
  [[ -f $file && ! -L $file && -O $file ]] || rm -rf "$file"
  [[ -e $file ]] || (umask 077 && : >>"$file")
  exec {lock_fd}<>"$file"
  if ! flock --nonblock "$lock_fd"; then
    holder=$(one_line "$(<"$file")")
    log "waiting: an update is running (${holder:-unknown})"
    flock --timeout "$lock_patience" "$lock_fd" || die 1 "gave up waiting for the other update"
    log "the other update has ended; deciding anew"
  fi
  TZ=UTC printf '%s, pid %s, since %(%Y-%m-%dT%H:%M:%SZ)T\n' "$who" "$$" -1 >"$file"
}

release_lock() {
  exec {lock_fd}>&-
}
