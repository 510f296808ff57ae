# shellcheck shell=bash
# The clone for people, /etc/nixos by default. Nothing is built from it, and nothing in it is ever overwritten.

# Makes it where there is nothing yet, else fast-forwards it where it is clean.
sync_checkout() { # directory, url, branch
  local directory=$1 url=$2 branch=$3
  set_aside_default "$directory"
  if [[ ! -e $directory || -z $(ls -A "$directory" 2>/dev/null) ]]; then
    make_checkout "$directory" "$url" "$branch" || log "could not clone the repository to $directory"
  elif [[ ! -O $directory || ! -d $directory/.git || ! -O $directory/.git ]]; then
    log "$directory is left alone: it is not root's clone of the repository"
  else
    forward_checkout "$directory" "$branch" || log "$directory is left alone: it has changes, or a history, of its own"
  fi
}

# An image of nixpkgs' comes with a configuration.nix that imports what the image is, and nothing else
# (nixos/modules/virtualisation/google-compute-image.nix).
set_aside_default() { # directory
  local directory=$1
  [[ -f $directory/configuration.nix && $(ls -A "$directory") == configuration.nix ]] || return 0
  [[ $(tr -d '[:space:]' <"$directory/configuration.nix") == '{...}:{imports=[<nixpkgs/nixos/modules/virtualisation/'*'>];}' ]] || return 0
  mv -T "$directory" "$directory.image" 2>/dev/null && log "the image's own $directory is now $directory.image"
}

make_checkout() { # directory, url, branch
  GIT_ALLOW_PROTOCOL=file quiet_git clone --quiet --no-hardlinks --branch "$3" "file://$mirror" "$1" 2>/dev/null &&
    quiet_git -C "$1" remote set-url origin "$2" &&
    log "cloned the repository to $1"
}

forward_checkout() { # directory, branch
  local head="refs/remotes/origin/$2"
  GIT_ALLOW_PROTOCOL=file quiet_git -C "$1" fetch --quiet "file://$mirror" "+refs/heads/$2:$head" 2>/dev/null || return
  [[ $(quiet_git -C "$1" rev-parse HEAD) != "$(quiet_git -C "$1" rev-parse "$head")" ]] || return 0
  [[ $(quiet_git -C "$1" symbolic-ref --short HEAD) == "$2" && -z $(quiet_git -C "$1" status --porcelain) ]] || return
  quiet_git -C "$1" merge --quiet --ff-only "$head" &>/dev/null
}
