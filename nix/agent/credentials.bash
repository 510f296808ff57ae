# shellcheck shell=bash
# What a private repository asks for: an SSH key or a token, in a file that its owner alone reads. git is told where the file is; what
# is in it is in no argument, no environment and no URL.

credential=''       # the file; nothing where there is none
credential_error='' # why there is none, where there should be

# What the repository's secret has to hold; nothing where the way to it would carry a secret in clear.
credential_kind() { # url
  case $1 in
    https://*) echo token ;;
    *://* | /*) [[ $1 != ssh://* ]] || echo 'SSH private key' ;;
    *) echo 'SSH private key' ;;
  esac
}

credential_fits() { # kind, file
  if [[ $1 == token ]]; then
    [[ $(wc -l <"$2") == 1 ]] && ! grep -q '[[:space:]]' "$2"
  else
    [[ $(head -c 11 "$2") == '-----BEGIN ' ]]
  fi
}

# Sees to what the repository asks for, and has git show it: a key by ssh, a token to that host alone. Helpers that are configured
# otherwise are left out then, since they would keep the token.
use_credential() {
  local url
  url=$(driver_repository)
  credential='' credential_error='' git_shows=()
  driver_credential
  use_ssh
  [[ -n $credential && $url =~ ^https://([^@/]*@)?([^/]+) ]] || return 0
  git_shows=(-c credential.helper= -c
    "credential.https://${BASH_REMATCH[2]}.helper=!$(printf '%q ' "$BASH" "$agent_dir/git-credential.bash" "$credential")")
}

# How git may use ssh: pinned host keys where they are given, and the key where there is one.
use_ssh() {
  local command='ssh -o BatchMode=yes -o ConnectTimeout=20' hosts
  hosts=$(setting knownHosts)
  if [[ -n $hosts ]]; then
    (umask 077 && printf '%s\n' "$hosts" >"$run_dir/known_hosts")
    command+=" -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile=$run_dir/known_hosts"
  fi
  [[ -z $credential ]] || command+=" -o IdentitiesOnly=yes -i $credential"
  export GIT_SSH_COMMAND=$command
}
