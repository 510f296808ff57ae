# shellcheck shell=bash
# One update, for the system and for a home alike. What differs is the driver's, system.bash or home.bash:
#   driver_facts             prints what its decision is made from, as JSON
#   driver_program           the jq program that decides
#   driver_repository        prints where the mirror fetches from; driver_branch likewise
#   driver_attribute         the flake's attribute to build
#   driver_accepts PATH      whether what was built may be switched to; else says why in $refusal
#   driver_is_current PATH   whether it is what runs already, and what will run after a reboot
#   driver_current           prints the store path that runs now
#   driver_needs_reboot      prints true or false
#   driver_switch PATH       switches; else says why in $switch_error
#   driver_roll_back PATH    goes back from PATH to what ran before
#   driver_concluded         after state and report are written
# $state_dir, $run_dir, $mirror and $switching (a file) are the driver's as well.

declare -A result
facts='{}' decision='{}'

# Decides, deploys where that is the decision, and tells how it ended: in $state_dir/state.json and in a report.
attempt() {
  result=()
  facts=$(driver_facts) || return
  decide || return
  if [[ -n $need_head ]]; then
    find_head || { conclude && return; }
    decide || return
  fi
  if [[ -n $need_descent ]]; then
    find_descent
    decide || return
  fi
  while read -r note; do [[ -z $note ]] || log "$note"; done <<<"$notes"
  log "$reason"
  result[outcome]=$outcome result[stage]=$stage result[error]=$decision_error
  [[ $action != update ]] || deploy || true
  conclude
}

decide() {
  decision=$(query "$(driver_program)" --compact-output <<<"$facts") || return
  {
    read -r action
    read -r outcome
    read -r reason
    read -r stage
    read -r need_head
    read -r need_descent
    read -r approved
    read -r revision
    read -r lock
    read -r explicit
  } < <(jq --raw-output '(.action, .outcome, .reason, .stage, .needHead, .needDescent, .approved, .target.revision, .target.lock,
    (.target.explicit | not | not)) | . // "" | tostring | gsub("\\s+"; " ")' <<<"$decision")
  notes=$(jq --raw-output '.notes // [] | .[]' <<<"$decision")
  decision_error=
  [[ $outcome != failed ]] || decision_error=$(jq --raw-output .error <<<"$decision")
  [[ $outcome != deferred && $outcome != held ]] || decision_error=$reason
}

# One setting of the decision's.
setting() { # name
  jq --raw-output --arg name "$1" '.settings[$name] // ""' <<<"$decision"
}

know() { # name, JSON
  facts=$(jq --compact-output --arg name "$1" --argjson value "$2" '.[$name] = $value' <<<"$facts")
}

find_head() {
  local head status=0 repository branch
  repository=$(driver_repository) branch=$(driver_branch)
  if [[ -z $repository ]]; then
    failed fetch "no repository to update from is set"
    return 1
  fi
  head=$(mirror_head "$repository" "$branch") || status=$?
  case $status in
    0) know head "\"$head\"" ;;
    2) failed fetch "$repository has no branch $branch" ;;
    *) git_error=$head && unreachable ;;
  esac
}

find_descent() {
  local deployed
  deployed=$(jq --raw-output .state.revision <<<"$facts")
  mirror_has "$mirror" "$need_descent" || fetch_revision "$need_descent" || true
  if mirror_descends "$mirror" "$need_descent" "$deployed"; then
    know descends true
  else
    know descends false
  fi
}

failed() { # stage, why, [revision not to try again]
  result[outcome]=failed result[stage]=$1 result[error]=$2 result[refuse]=${3-}
  log "failed at $1: $(one_line "$(tail -n 1 <<<"$2" | sed 's/^[ >]*//')")"
  return 1
}

# Without an answer it is the network's failure, else the repository's.
unreachable() {
  ! git_may_pass "$git_error" || result[offline]=true
  failed fetch "cannot fetch from $(driver_repository): ${git_error:-no answer}"
}

deploy() {
  log "→ fetching ${revision:0:7}"
  fetch_revision "$revision" || { unreachable || return; }
  verify || return
  log "→ building ${revision:0:7}"
  build "$state_dir/built" "$(mirror_installable "$mirror" "$revision" "$(driver_attribute)")" ||
    { failed build "$build_error" "$revision" || return; }
  driver_accepts "$built" || { failed verify "$refusal" "$revision" || return; }
  if driver_is_current "$built"; then
    result[outcome]=unchanged
    log "${revision:0:7} is $built, which runs already"
  else
    switch_to "$built" || return
  fi
  result[revision]=$revision
}

fetch_revision() { # revision
  mirror_fetch "$mirror" "$(driver_repository)" "$(driver_branch)" "$1"
}

# What must be true of a commit before anything in it is evaluated.
verify() {
  verify_lock && verify_descent
}

verify_lock() {
  result[lock]=$(mirror_lock "$mirror" "$revision")
  [[ -z $lock || ${result[lock]} == "$lock" ]] ||
    failed verify "flake.lock at ${revision:0:7} has digest ${result[lock]:-none}, approved is $lock"
}

verify_descent() {
  local deployed
  deployed=$(jq --raw-output '.state.revision // ""' <<<"$facts")
  [[ $explicit == true || -z $deployed ]] || mirror_descends "$mirror" "$deployed" "$revision" ||
    failed verify "${revision:0:7} does not descend from ${deployed:0:7}, which is deployed, and is not approved"
}

# While the file $switching is there a switch has not ended: if this is cut short, the next run does it again.
switch_to() { # path
  log "→ switching to $1"
  write_file "$switching" <<<"$1"
  if driver_switch "$1"; then
    log "switched to ${revision:0:7}"
  else
    failed switch "$switch_error" "$revision" || true
    if driver_roll_back "$1"; then
      result[rolledBack]=true
      log "rolled back"
    else
      log "COULD NOT ROLL BACK: this needs a person"
      result[error]+=$'\n'"and the rollback failed"
    fi
  fi
  rm -f "$switching"
  [[ ${result[outcome]} != failed ]]
}
