# shellcheck shell=bash
# A bare mirror of the repository, which nobody but its owner writes: what is built comes from here.

git_timeout=${NIXOS_AUTO_UPDATE_FETCH_TIMEOUT:-120} # seconds for one command
git_attempts=5
git_pause=${NIXOS_AUTO_UPDATE_PAUSE:-2} # seconds before the second attempt
git_error=''
git_shows=() # arguments that have git show what the repository asks for

# git that asks nothing, runs nobody's hooks, leaves nothing running, and ends.
quiet_git() {
  LC_ALL=C GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL=${GIT_ALLOW_PROTOCOL:-$git_protocols} \
    GIT_SSH_COMMAND=${GIT_SSH_COMMAND:-ssh -o BatchMode=yes -o ConnectTimeout=20} \
    timeout --kill-after=5 "$git_timeout" git "${git_shows[@]}" -c core.hooksPath=/dev/null -c gc.autoDetach=false -c maintenance.autoDetach=false "$@"
}

# Runs git up to so many times, waiting longer each time. Its output goes to stdout, its last complaint to $git_error.
patient_git() {
  local attempt delay=$git_pause log_file=$run_dir/git.log status
  for ((attempt = 1; ; attempt++)); do
    status=0 git_error=
    quiet_git "$@" 2>"$log_file" || status=$?
    ((status != 0)) || return 0
    git_error=$(git_complaint "$log_file" "$status")
    # Who hung once hangs again: that is for a later run.
    ((status != 2 && status != 124 && status != 137 && attempt < git_attempts)) && git_may_pass "$git_error" || return "$status"
    if git_was_refused "$git_error"; then
      driver_renew || return "$status"
      continue
    fi
    log "git $(git_verb "$@") failed, trying again in about $delay s: $git_error"
    sleep "$delay.$((RANDOM % 10))"
    delay=$((delay * 2))
  done
}

# Whether a failure may pass by itself; that a commit or branch is not there is an answer, and a disk that is full stays so.
git_may_pass() { # complaint
  [[ $1 != *'not our ref'* && $1 != *"couldn't find remote ref"* && $1 != *'unadvertised object'* ]] && ! is_full "$1"
}

# Whether it came to an answer, and that was no: of the server, or of ssh about the server's key.
git_was_refused() { # complaint
  [[ $1 =~ $git_refusal ]]
}
git_refusal='Permission denied|Host key verification failed|Authentication failed|could not read Username|returned error: 40[13]'

git_verb() {
  local word
  for word in "$@"; do
    [[ $word != fetch && $word != ls-remote ]] || printf '%s' "$word"
  done
}

git_complaint() { # file, exit status
  local line
  line=$(grep -E "$git_refusal" "$1" | tail -n 1) || line=$(grep -E '^(fatal|error|ssh|remote):' "$1" | tail -n 1) || true
  [[ $2 != 124 && $2 != 137 ]] || line="no answer within $git_timeout s"
  one_line "${line:-$(tail -n 1 "$1")}"
}

# Prints the branch's head as the repository has it now. Status 2: it has no such branch; others: prints why it cannot be told.
mirror_head() { # url, branch
  local status=0 head
  patient_git ls-remote --exit-code -- "$1" "refs/heads/$2" >"$run_dir/head" || status=$?
  ((status != 0)) || read -r head _ <"$run_dir/head"
  printf '%s\n' "${head-$git_error}"
  return "$status"
}

ensure_mirror() { # mirror
  if [[ -e $1 ]] && ! quiet_git --git-dir="$1" rev-parse --git-dir &>/dev/null; then
    log "$1 is not a repository any more; making it anew"
    rm -rf "$1"
  fi
  [[ -e $1 ]] || (umask 022 && quiet_git init --quiet --bare "$1")
  # Whoever works on it holds the agent's own lock: these are of one who was killed.
  find "$1" -name '*.lock' -delete
}

mirror_has() { # mirror, revision
  quiet_git --git-dir="$1" cat-file -e "$2^{commit}" 2>/dev/null
}

# Brings the branch, and the revision if it is not on it, into the mirror. In $git_error why that failed.
mirror_fetch() { # mirror, url, branch, revision
  local mirror=$1 url=$2 branch=$3 revision=$4
  local fetch=(--git-dir="$mirror" fetch --quiet --no-tags --no-auto-gc)
  # A repository on this machine may be somebody else's, and git wants to be told that reading it is meant.
  [[ $url != /* ]] || fetch+=(--upload-pack="git -c safe.directory=$url upload-pack")
  git_error=
  ensure_mirror "$mirror" || return
  if ! mirror_has "$mirror" "$revision"; then
    patient_git "${fetch[@]}" -- "$url" "+refs/heads/$branch:refs/heads/$branch" || return
    mirror_has "$mirror" "$revision" || patient_git "${fetch[@]}" -- "$url" "$revision" || return
  fi
  # A name of its own, so that neither a forced push nor git's own cleaning takes away what is deployed.
  quiet_git --git-dir="$mirror" update-ref "refs/nixos-fleet/$revision" "$revision"
}

# Whether all that a revision consists of is there and whole.
mirror_is_sound() { # mirror, revision
  quiet_git --git-dir="$1" archive --format=tar "$2" 2>/dev/null >/dev/null
}

# Whether everything in it is whole.
mirror_is_whole() { # mirror
  quiet_git --git-dir="$1" fsck --no-dangling --no-progress &>/dev/null
}

# Whether the second revision is the first or one of its descendants.
mirror_descends() { # mirror, ancestor, revision
  quiet_git --git-dir="$1" merge-base --is-ancestor "$2" "$3" 2>/dev/null
}

# SHA-256 of flake.lock as it is at that revision; nothing where there is none.
mirror_lock() { # mirror, revision
  quiet_git --git-dir="$1" cat-file -e "$2:flake.lock" 2>/dev/null || return 0
  quiet_git --git-dir="$1" cat-file blob "$2:flake.lock" | sha256sum | cut -d' ' -f1
}
