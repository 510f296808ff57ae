# shellcheck shell=bash
# What a difference between two unit files asks for, as `compare_units` of switch-to-configuration-ng decides it.

# Differences in these keys of [Unit] do not change a running unit.
ignored_unit_keys=' X-Reload-Triggers Description Documentation OnFailure OnSuccess OnFailureJobMode IgnoreOnIsolate StopWhenUnneeded RefuseManualStart RefuseManualStop AllowIsolate CollectMode SourcePath '

# In $comparison: equal, reload or restart.
compare_units() { # names of two arrays of read_unit
  local -n old_unit=$1 new_unit=$2
  local entry added=0
  comparison=equal
  for entry in "${!new_unit[@]}"; do
    [[ $entry != *. || $entry == Install. || ${old_unit[$entry]+set} ]] || added=$((added + 1))
  done
  # Several new sections are never only ignorable.
  ((added < 2)) || comparison=restart
  for entry in "${!old_unit[@]}" "${!new_unit[@]}"; do
    [[ $comparison != restart ]] || return 0
    if [[ ! ${new_unit[$entry]+set} ]]; then
      compare_entry "$entry" removed
    elif [[ ! ${old_unit[$entry]+set} ]]; then
      compare_entry "$entry" added
    elif [[ ${old_unit[$entry]} != "${new_unit[$entry]}" ]]; then
      compare_entry "$entry" changed
    fi
  done
}

compare_entry() { # Section.Key, added|removed|changed
  case $1 in
    Install.* | Unit. | Service.) ;;
    Unit.X-Reload-Triggers | Service.ExecReload)
      # A program that runs does not mind that it cannot be reloaded any more.
      [[ $2 == removed ]] || comparison=reload
      ;;
    Unit.*) [[ $ignored_unit_keys == *" ${1#Unit.} "* ]] || comparison=restart ;;
    Mount.Options)
      if [[ $2 == changed ]]; then comparison=reload; else comparison=restart; fi
      ;;
    *) comparison=restart ;;
  esac
}
