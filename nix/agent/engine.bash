# shellcheck shell=bash
# One update, for the system and for a home alike. What differs is the driver's, system.bash or home.bash:
#   driver_look              finds out what a decision needs to know
#   driver_decide ARGUMENT…  prints the decision; the arguments, jq's, say what was found out since
#   driver_repository        prints where the mirror fetches from; driver_branch likewise
#   driver_credential        sees to what the repository asks for: the file in $credential, or in $credential_error why there is none
#   driver_renew             after a refusal, whether that file has another content by now
#   driver_attribute         the flake's attribute to build
#   driver_may_update        whether nothing of a person's is in the way; else says why in $obstacle
#   driver_accepts PATH      whether what was built may be switched to; else says why in $refusal
#   driver_is_current PATH   whether it is what runs already, and what will run after a reboot
#   driver_boot              prints the boot that a switch of now holds for
#   driver_came_up PATH      whether a boot has brought it up
#   driver_current           prints the store path that runs now
#   driver_mode PATH         prints switch, or boot where only a reboot can bring it
#   driver_needs_reboot      prints true or false
#   driver_switch PATH MODE  switches, and leaves what the next boot brings up as it is unless it waits for one; else says why in $switch_error
#   driver_keep PATH         has the next boot bring it up as well; else says why in $switch_error
#   driver_let_go PATH       undoes that where it was only begun
#   driver_before            prints, as JSON, what health is compared with
#   driver_healthy PATH      whether it does well after a switch; else says why in $sickness
#   driver_roll_back PATH    goes back from PATH to what ran before
#   driver_concluded         after the state is written; publishes the report where that is the driver's
# $service (the unit), $manager (systemctl's arguments), $state_dir, $run_dir and $mirror are the driver's as well.

declare -A result decision
known=()

# Decides, deploys where that is the decision, and tells how it ended: in $state_dir/state.json and in a report.
attempt() {
  result=() known=()
  driver_look
  decide || return
  if trial_unfinished; then
    finish_trial
    conclude || return
    result=()
    driver_look
    decide || return
  fi
  find_out || { conclude && return; }
  tell_decision
  if [[ ${decision[action]} == update ]]; then
    deploy || true
  fi
  [[ $dry == true ]] || conclude
}

decide() {
  local answer
  answer=$(driver_decide "${known[@]}") || return
  eval "decision=($answer)"
}

# What costs something is only found out where the decision asks for it.
find_out() {
  if [[ ${decision[needHead]} == true ]]; then
    find_head || return
  fi
  if [[ -n ${decision[needDescent]} ]]; then
    find_descent
    decide || return
  fi
}

tell_decision() {
  local note
  while read -r note; do [[ -z $note ]] || log "$note"; done <<<"${decision[notes]}"
  log "${decision[reason]}"
  result[outcome]=${decision[outcome]} result[stage]=${decision[stage]} result[error]=${decision[error]} result[rolledBack]=${decision[rolledBack]-}
  [[ ${decision[passes]} != true ]] || result[retry]=${decision[reason]}
  # For whoever asked for this run, and waits.
  rm -f "$run_dir/nothing-approved"
  [[ ${decision[idle]-} != true || $dry == true ]] || write_file "$run_dir/nothing-approved" "${decision[reason]}"
}

# What the settings come to; nothing where there is none.
setting() { # name
  printf '%s' "${decision[settings.$1]-}"
}

find_head() {
  local head status=0 repository branch
  open_repository || return
  repository=$(driver_repository) branch=$(driver_branch)
  head=$(mirror_head "$repository" "$branch") || status=$?
  case $status in
    0) decide_with_head "$head" ;;
    2) failed fetch "$repository has no branch $branch" ;;
    *) git_error=$head && unreachable ;;
  esac
}

# The first decision says as well what comes of the head that is to be expected: the deployed revision.
decide_with_head() { # revision
  known+=(--arg head "$1")
  if [[ $1 == "${decision[deployed]}" && -n ${decision[ifDeployed]-} ]]; then
    eval "decision=(${decision[ifDeployed]})"
  else
    decide
  fi
}

find_descent() {
  local target=${decision[needDescent]} descends=false
  mirror_has "$mirror" "$target" || { open_repository && fetch_revision "$target"; } || true
  ! mirror_descends "$mirror" "$target" "${decision[deployed]}" || descends=true
  known+=(--arg descends "$descends")
}

failed() { # stage, why, [revision not to try again]
  result[outcome]=failed result[stage]=$1 result[error]=$2 result[refuse]=${3-}
  log "failed at $1: $(one_line "$(tail -n 1 <<<"$2" | sed 's/^[ >]*//')")"
  return 1
}

# Without an answer it is the network's failure, else the repository's.
unreachable() {
  if is_full "$git_error"; then
    result[retry]="the disk is full"
  elif git_was_refused "$git_error"; then
    # Whoever mends that need not tell every VM.
    result[retry]="the repository refuses"
  elif git_may_pass "$git_error"; then
    result[offline]=true result[retry]="the repository does not answer"
  fi
  failed fetch "cannot fetch from $(driver_repository): ${git_error:-no answer}${credential_error:+ ($credential_error)}"
}

# A disk or memory that is full, a person whose work is in the way: nothing is wrong with the revision, which stays wanted.
put_off() { # outcome, stage or nothing, why
  result[outcome]=$1 result[stage]=$2 result[error]=$3
  result[retry]=$(one_line "$3")
  log "$3"
  return 1
}

deploy() {
  local revision=${decision[revision]}
  driver_may_update || { put_off deferred '' "$obstacle" || return; }
  open_repository || return
  log "→ fetching ${revision:0:7}"
  fetch_revision "$revision" || { unreachable || return; }
  log "→ verifying ${revision:0:7}"
  verify "$revision" || return
  log "→ building ${revision:0:7}"
  make_room || { put_off failed build "$room_error" || return; }
  obtain "$revision" || return
  driver_accepts "$built" || { failed verify "$refusal" "$revision" || return; }
  if [[ $dry == true ]]; then
    show_difference "$(driver_current)" "$built"
  elif driver_is_current "$built"; then
    result[outcome]=unchanged
    result[revision]=$revision
    log "${revision:0:7} is $built, which runs already"
  else
    switch_to "$built" "$revision" || return
    result[revision]=$revision
    prune_generations
  fi
}

# The store path of a revision, in $built: as the approval names it, else built here.
obtain() { # revision
  realise_prebuilt && return
  build "$state_dir/built" "$(mirror_installable "$mirror" "$1" "$(driver_attribute)")" && return
  if is_full "$build_error" || build_lacked_memory "$build_error"; then
    put_off failed build "$build_error"
  elif build_may_pass "$build_error"; then
    result[offline]=true
    put_off failed build "$build_error"
  else
    failed build "$build_error" "$1"
  fi
}

# A fetch into a damaged mirror fails as well, as if the repository were at fault.
fetch_revision() { # revision
  if mirror_fetch "$mirror" "$(driver_repository)" "$(driver_branch)" "$1"; then
    mirror_is_sound "$mirror" "$1" && return
  else
    mirror_is_whole "$mirror" && return 1
  fi
  log "$mirror is damaged; making it anew"
  rm -rf "$mirror"
  mirror_fetch "$mirror" "$(driver_repository)" "$(driver_branch)" "$1"
}
