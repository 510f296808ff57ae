# shellcheck shell=bash
# The agent's own bare mirror of a repository; nobody's working tree. Needs $mirror, $repository, $branch.

export GIT_TERMINAL_PROMPT=0
export GIT_SSH_COMMAND=${GIT_SSH_COMMAND:-ssh -o BatchMode=yes -o ConnectTimeout=10}

in_mirror() {
  git -C "$mirror" "$@"
}

# The branch's head by one request.
repository_head() {
  local line
  line=$(timeout 60 git ls-remote --exit-code "$repository" "refs/heads/$branch" 2>/dev/null) || return 1
  printf '%s' "${line%%[[:space:]]*}"
}

has_commit() {
  in_mirror cat-file -e "$1^{commit}" 2>/dev/null
}

# Whether $1 is $2 or an ancestor of it. A commit that the mirror lacks is no ancestor of one that was deployed.
is_ancestor() {
  [ -d "$mirror" ] && in_mirror merge-base --is-ancestor "$1" "$2" 2>/dev/null
}

fetch_once() {
  [ -e "$mirror/HEAD" ] || git init --quiet --bare "$mirror"
  timeout 300 git -C "$mirror" fetch --quiet --no-tags "$repository" "+refs/heads/$branch:refs/heads/$branch" || return 1
  has_commit "$1" || timeout 300 git -C "$mirror" fetch --quiet --no-tags "$repository" "$1"
}

# Fetches a revision, retrying; what git complains of goes to standard error.
repository_fetch() {
  local try
  for try in 1 2 3; do
    fetch_once "$1" && return
    sleep $((try * 2))
  done
  return 1
}

# SHA-256 of flake.lock's bytes at a revision.
lock_digest() {
  in_mirror show "$1:flake.lock" | sha256sum | cut -d' ' -f1
}

# Prints the store path of the flake's attribute $2 at exactly the commit $1.
build() {
  # A ref of its own keeps nix from asking for whatever HEAD says.
  in_mirror update-ref refs/heads/nixos-fleet/target "$1"
  nix --extra-experimental-features 'nix-command flakes' build --no-link --print-out-paths \
    --no-update-lock-file --no-write-lock-file \
    "git+file://$mirror?ref=refs/heads/nixos-fleet/target&rev=$1#$2"
}
