# shellcheck shell=bash
# Requests for an update: who asks writes a file, starts the service, and the run that takes the file up says who asked.

ask() { # trigger, who
  local file
  mkdir -p "$run_dir/asked"
  file=$(mktemp "$run_dir/asking.XXXXXX")
  printf '%s %s\n' "$1" "$(one_line "$2")" >"$file"
  request=$run_dir/asked/${file##*.}
  mv "$file" "$request"
}

requests_pending() {
  compgen -G "$run_dir/asked/*" >/dev/null
}

# Takes up what was asked for so far; in $trigger and $asked_by who asked.
take_requests() {
  local file words
  for file in "$run_dir/asked"/*; do
    [[ -e $file ]] || continue
    read -r -a words <"$file" || true
    rm -f "$file"
    trigger=${words[0]:-manual}
    grant "$trigger"
    asked_by+="${asked_by:+, }${words[*]:1}"
  done
}

# Starts the service until some run has taken the request up: one that was about to end when it came has not seen it.
start_until_taken() { # request
  local attempt
  for attempt in 1 2 3 4 5; do
    [[ -e $1 ]] || return 0
    systemctl start "$system_unit.service" 2>/dev/null || [[ ! -e $1 ]] || sleep "$attempt"
  done
  [[ ! -e $1 ]]
}

# For the forced command of an account that may do nothing but this, and for people: asks, waits, and tells how it went.
trigger_update() { # trigger, who
  log "asked by $(one_line "$2")"
  ask "$1" "$2"
  start_until_taken "$request" || die 1 "$system_unit.service does not start"
  show_status
  [[ ! -e $run_dir/nothing-approved ]] || die 1 "$(<"$run_dir/nothing-approved")"
  [[ $(read_json "$state_dir/state.json" | jq --raw-output .outcome) != failed ]]
}
