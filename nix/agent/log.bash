# shellcheck shell=bash
# Lines for the journal: short, one a fact. A terminal is told as well whose they are.

log() {
  if [[ -n ${JOURNAL_STREAM-} ]]; then
    printf '%s\n' "$*" >&2
  else
    printf '%s: %s\n' "$program" "$*" >&2
  fi
}

# What needs a person: the journal shows it to everybody who is logged in.
alarm() {
  if [[ -n ${JOURNAL_STREAM-} ]]; then
    printf '<0>%s\n' "$*" >&2
  else
    log "$*"
  fi
}

die() { # status words…
  local status=$1
  shift
  log "$@"
  exit "$status"
}

# Anybody's text as one line that is safe to print.
one_line() { # text
  local text=${1//[^[:print:]]/ }
  printf '%s' "${text:0:120}"
}
