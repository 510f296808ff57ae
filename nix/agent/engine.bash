# shellcheck shell=bash
# The engine of both agents: state in, decision, fetch, verify, build, switch, state out. A driver (system.bash,
# home.bash) sets $state_dir, $mirror, $repository, $branch, $attribute and defines driver_current, driver_check,
# driver_switch and driver_report.

state_file() {
  printf '%s/state.json' "$state_dir"
}

# The state, or {} where there is none or only half of one.
state_read() {
  jq -e 'objects' "$(state_file)" 2>/dev/null || echo '{}'
}

# Ends a run: what is known (jq's $fields, an object) goes over the former state, into the file and to the readers.
# A revision that failed at a stage where trying again would end the same is remembered.
finish() {
  state_read | jq --argjson fields "$1" --arg at "$(now)" --arg bootedAt "$(booted_at)" --arg agent "$(contract .agent)" '
    . as $old
    | del(.stage, .error)
    | . + { rolledBack: false, rebootRequired: ($old.rebootRequired // false) } + $fields
    | .revision //= "" | .lock //= "" | .toplevel //= ""
    | if .revision != ($old.revision // "") then .previous = $old.revision else . end
    | .at = $at | .bootedAt = $bootedAt | .agent = $agent
    | if .outcome == "failed" and .tried and .stage != "fetch"
      then .refused = ([(.refused // [])[] | select(.revision != $fields.tried)] + [{ revision: .tried, stage, error }])[-20:]
      else .refused = [(.refused // [])[] | select(.revision != $fields.revision)] end
    | del(.tried)' | write_file "$(state_file)"
  driver_report
}

# The part of the state that others read: exactly the contract's fields.
report() {
  jq --slurpfile contract "$contract" '
    . as $state | $contract[0].report.fields | keys_unsorted
    | map({ key: ., value: $state[.] }) | map(select(.value != null)) | from_entries' "$(state_file)"
}

# fail STAGE REVISION DECISION [ROLLED_BACK]; the error's text on standard input.
fail() {
  local text fields
  text=$(bounded)
  fields=$(jq -n --arg stage "$1" --arg tried "$2" --argjson decision "$3" --argjson rolledBack "${4:-false}" --arg error "$text" \
    '{ outcome: "failed", $stage, $tried, $error, $rolledBack } + ($decision | { approved } | with_entries(select(.value != null)))')
  say "$(short "$2"): failed at $1: ${text##*$'\n'}"
  finish "$fields"
  # Being offline is no failure of this machine.
  [ "$1" = fetch ]
}

# Goes to the decision's target.
deploy() {
  local decision=$1 target out old errors lock good
  target=$(jq -r .target <<<"$decision")
  errors=$(mktemp "$state_dir/errors.XXXXXX")
  # shellcheck disable=SC2064 # the name of now
  trap "rm -f '$errors'" EXIT
  say "$(jq -r .reason <<<"$decision"): $(short "$target"); deployed: $(state_read | jq -r '.revision // "" | .[0:7] | if . == "" then "nothing" else . end')"

  repository_fetch "$target" 2>"$errors" || {
    fail fetch "$target" "$decision" <"$errors"
    return
  }
  lock=$(lock_digest "$target")
  verify "$decision" "$target" "$lock" 2>"$errors" || {
    fail verify "$target" "$decision" <"$errors"
    return
  }
  say "building $(short "$target")"
  out=$(build "$target" "$attribute" 2>"$errors") || {
    fail build "$target" "$decision" <"$errors"
    return
  }
  driver_check "$out" 2>"$errors" || {
    fail verify "$target" "$decision" <"$errors"
    return
  }
  old=$(driver_current)
  good=$(jq -n --arg revision "$target" --arg lock "$lock" --arg toplevel "$out" --argjson decision "$decision" \
    '{ $revision, $lock, $toplevel } + ($decision | { approved } | with_entries(select(.value != null)))')
  if [ "$out" = "$old" ]; then
    say "$(short "$target") builds what runs already"
    finish "$(jq '. + { outcome: "unchanged" }' <<<"$good")"
    return
  fi
  say "switching to $out"
  if driver_switch "$out" >"$errors" 2>&1; then
    finish "$(jq --argjson reboot "${reboot_required:-false}" '. + { outcome: "updated", rebootRequired: $reboot }' <<<"$good")"
    say "runs $(short "$target")"
    return
  fi
  say "the switch failed; going back to ${old:-nothing}"
  local rolled_back=false
  if [ -n "$old" ] && driver_switch "$old" >>"$errors" 2>&1; then rolled_back=true; fi
  [ -z "$old" ] || [ "$rolled_back" = true ] || say "ROLLBACK FAILED: this machine may run neither system; see the journal"
  fail switch "$target" "$decision" "$rolled_back" <"$errors"
}

# What may be built: a descendant of what is deployed, or a revision that was approved as such, under the lock approved.
verify() {
  local decision=$1 target=$2 lock=$3 deployed approved_lock
  deployed=$(state_read | jq -r '.revision // ""')
  approved_lock=$(jq -r '.lock // ""' <<<"$decision")
  if [ -n "$approved_lock" ] && [ "$approved_lock" != "$lock" ]; then
    say "flake.lock at $(short "$target") has the SHA-256 $lock; the approval says $approved_lock"
    return 1
  fi
  if [ -n "$deployed" ] && [ "$(jq -r '.explicit // false' <<<"$decision")" != true ] && ! is_ancestor "$deployed" "$target"; then
    say "$(short "$target") does not descend from the deployed $(short "$deployed"); approve that revision if it is meant"
    return 1
  fi
}

# Carries a decision out.
carry_out() {
  local decision=$1
  # What is deployed on paper may not be what runs, after a power cut between the profile and the switch.
  if jq -e '.outcome == "unchanged" and .target' <<<"$decision" >/dev/null &&
    [ "$(driver_current)" != "$(state_read | jq -r .toplevel)" ]; then
    decision=$(jq '.action = "update"' <<<"$decision")
  fi
  case $(jq -r .action <<<"$decision") in
    update) deploy "$decision" ;;
    stay)
      say "$(jq -r '"\(.outcome): \(.reason)"' <<<"$decision")"
      finish "$(jq '{ outcome, approved, stage, error } | with_entries(select(.value != null))' <<<"$decision")"
      [ "$(jq -r .outcome <<<"$decision")" != failed ]
      ;;
  esac
}
