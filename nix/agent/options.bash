# shellcheck shell=bash
# The options of a run, which both agents have.

trigger='' asked_by='' force=false once=false wanted='' dry=false
# Where a run may go: head, or approved only. What a person on the machine types may go to the branch's head.
right=head

read_options() {
  while (($# > 0)); do
    case $1 in
      --trigger)
        [[ ${2-} =~ ^(boot|schedule|watch|ssh|manual)$ ]] ||
          die 2 "--trigger: \"$(one_line "${2-}")\" must be boot, schedule, watch, ssh or manual"
        trigger=$2
        shift
        ;;
      --by)
        (($# > 1)) || die 2 "--by: must be followed by who asks"
        asked_by=$(one_line "$2")
        shift
        ;;
      --revision)
        [[ ${2-} =~ ^[0-9a-f]{40}$ ]] ||
          die 2 "--revision: \"$(one_line "${2-}")\" must be a full revision, 40 hexadecimal digits"
        # shellcheck disable=SC2034 # the drivers use it
        wanted=$2
        shift
        ;;
      --force) force=true ;;
      --once) once=true ;;
      *) die 2 "\"$(one_line "$1")\" is no option; see $program --help" ;;
    esac
    shift
  done
}

# Refuses words where a command takes none.
takes_nothing() { # command, words…
  (($# == 1)) || die 2 "$1: takes no argument"
}
