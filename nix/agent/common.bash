# shellcheck shell=bash
# What both agents use: the shared names, the journal, the lock, files that are whole or absent.

contract=$agent_dir/contract.json
[ -e "$contract" ] || contract=$agent_dir/../../contract.json

# One value of contract.json.
contract() {
  jq -er "$1" "$contract"
}

say() {
  printf '%s\n' "$*" >&2
}

short() {
  printf '%.7s' "$1"
}

now() {
  date -u +%Y-%m-%dT%H:%M:%SZ
}

booted_at() {
  date -u -d "@$(awk '$1 == "btime" { print $2 }' /proc/stat)" +%Y-%m-%dT%H:%M:%SZ
}

# A reader sees the old file or the new one, also after a power cut.
write_file() {
  local path=$1 mode=${2:-0644} temporary
  temporary=$(mktemp "$path.XXXXXX")
  cat >"$temporary"
  chmod "$mode" "$temporary"
  sync "$temporary"
  mv -f "$temporary" "$path"
}

# Takes the one lock of this agent; a second start says who runs and waits. The lock ends with the process.
take_lock() {
  local path=$1 who=$2
  exec 9>>"$path"
  if ! flock -n 9; then
    say "an update runs already ($(cat "$path.who" 2>/dev/null || echo unknown)); waiting for it"
    flock -w "${LOCK_SECONDS:-3600}" 9 || {
      say "still not free after ${LOCK_SECONDS:-3600} s; giving up"
      return 1
    }
  fi
  printf 'process %s, %s, since %s' "$$" "$who" "$(now)" >"$path.who"
}

# Text for a report: no control characters, bounded, the end of it (where builders say what was wrong).
bounded() {
  tr -cd '\11\12\40-\176' | tail -c "$(contract .report.errorBytes)"
}
