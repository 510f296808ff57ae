# shellcheck shell=bash
# Which action each running unit gets: `collect_unit_changes` and `handle_modified_unit` of switch-to-configuration-ng. Each array is
# unit -> "" and stands for one of its sets. Who sources this sets $old_units and $new_units, the folders of unit files.
# shellcheck disable=SC2034,SC2154
declare -A to_stop=() to_start=() to_reload=() to_restart=() to_skip=() hidden=()
# Unit -> its state and substate, of those that are loaded and not inactive.
declare -A unit_state=() unit_sub=()

read_active_units() {
  local unit state sub
  unit_state=() unit_sub=()
  while read -r unit _ state sub _; do
    [[ $state == inactive ]] || unit_state[$unit]=$state unit_sub[$unit]=$sub
  done < <(systemctl list-units --plain --no-legend --full)
}

# Units that another folder than NixOS' brought (generators, packages of Debian, the runtime) are left alone: those that systemd reads before
# NixOS' folder (systemd.unit(5)) count here. To ask systemd where it loaded each from takes longer than the rest of the plan.
is_ours() { # unit, the unit or its template
  local folder
  for folder in /etc/systemd/system.control /run/systemd/{system.control,transient,generator.early}; do
    [[ ! -e $folder/$1 ]] || return 1
  done
  [[ -e /etc/systemd/system/$2 ]]
}

is_gone() { # file
  [[ ! -e $1 || $1 -ef /dev/null ]]
}

plan_units() {
  local unit base
  read_active_units
  for unit in "${!unit_state[@]}"; do
    base=$unit
    if [[ $unit == *@?*.* && ! -e $old_units/$unit && ! -e $new_units/$unit ]]; then
      base=${unit%%@*}@.${unit##*.}
    fi
    [[ ! -e $old_units/$base ]] || ! is_ours "$unit" "$base" || plan_unit "$unit" "$base"
  done
  plan_targets
}

plan_unit() { # unit, the unit or its template
  local -A old=() new=()
  local comparison
  [[ ${unit_state[$1]} =~ ^(active|activating)$ ]] || return 0
  read_unit old "$old_units/$2" "$old_units/$2.d" "$old_units/$1.d"
  if is_gone "$new_units/$2"; then
    ! is_true old Unit.X-StopOnRemoval true || to_stop[$1]=''
    return 0
  fi
  read_unit new "$new_units/$2" "$new_units/$2.d" "$new_units/$1.d"
  if [[ $1 == *.target ]]; then
    plan_target "$1"
    return
  fi
  compare_units old new
  case $comparison in
    restart) plan_changed "$1" "$2" ;;
    reload) [[ ${to_restart[$1]+set} ]] || to_reload[$1]='' ;;
  esac
}

# Targets that run are started again, and with them whatever they want that does not run.
plan_target() { # target; in $new what it is to be
  case $1 in
    suspend.target | hibernate.target | hybrid-sleep.target) ;;
    *)
      if ! is_true new Unit.RefuseManualStart false && ! is_true new Unit.X-OnlyManualStart false; then
        to_start[$1]='' hidden[$1]=''
      fi
      ;;
  esac
  ! is_true new Unit.X-StopOnReconfiguration false || to_stop[$1]=''
}

# NixOS has systemd's own targets in its folder; here they are Debian's, and what the configuration adds to them is in theirs.
plan_targets() {
  local folder target
  for folder in "$new_units"/*.target.wants; do
    target=${folder##*/}
    target=${target%.wants}
    [[ ${unit_state[$target]-} =~ ^(active|activating)$ ]] || continue
    to_start[$target]='' hidden[$target]=''
  done
}

plan_changed() { # unit, the unit or its template; in $new what it is to be
  case $1 in
    sysinit.target | basic.target | multi-user.target | graphical.target | *.path | *.slice | *.socket) ;;
    -.mount | nix.mount) to_reload[$1]='' ;;
    *.mount) to_restart[$1]='' ;;
    *)
      if is_true new Service.X-ReloadIfChanged false && [[ ! ${to_restart[$1]+set} && ! ${to_stop[$1]+set} ]]; then
        to_reload[$1]=''
      elif ! is_true new Service.X-RestartIfChanged true || is_true new Unit.RefuseManualStop false || is_true new Unit.X-OnlyManualStart false; then
        to_skip[$1]=''
      elif ! is_true new Service.X-StopIfChanged true || [[ $1 != *.service ]]; then
        to_restart[$1]=''
        unset 'to_reload[$1]'
      else
        plan_service "$1" "$2"
        unset 'to_reload[$1]'
      fi
      ;;
  esac
}

# A service that its sockets start is stopped with them, and only they are started again.
plan_service() { # unit, the unit or its template; in $new what it is to be
  local socket sockets by_socket=false
  sockets=${new[Service.Sockets]-}
  if [[ -z $sockets ]]; then
    sockets=${2%.service}
    sockets=${sockets%@}.socket
  fi
  for socket in $sockets; do
    [[ ! ${unit_state[$socket]+set} ]] || to_stop[$socket]=''
    [[ -e $new_units/$socket ]] || continue
    [[ ! ${unit_state[$socket]+set} ]] || to_start[$socket]=''
    by_socket=true
  done
  if [[ $by_socket == false ]] || is_true new Service.X-NotSocketActivated false; then
    to_start[$1]=''
  fi
  to_stop[$1]=''
}
