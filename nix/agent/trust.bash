# shellcheck shell=bash
# What is trusted: which URLs, whose host keys, whose commits. And what must be true of a commit before anything in it is evaluated.

verify() { # revision
  verify_lock "$1" && verify_descent "$1" && verify_signatures "$1"
}

verify_lock() { # revision
  local lock=${decision[lock]}
  result[lock]=$(mirror_lock "$mirror" "$1")
  [[ -z $lock || ${result[lock]} == "$lock" ]] ||
    failed verify "flake.lock at ${1:0:7} has digest ${result[lock]:-none}, approved is $lock"
}

verify_descent() { # revision
  local deployed=${decision[deployed]}
  [[ ${decision[explicit]} == true || -z $deployed ]] || mirror_descends "$mirror" "$deployed" "$1" ||
    failed verify "${1:0:7} does not descend from ${deployed:0:7}, which is deployed, and is not approved"
}

# Every commit that comes with this revision and was not deployed yet, and the revision itself, must be a signer's.
verify_signatures() { # revision
  local signers commit complaint
  signers=$(setting signers)
  [[ -n $signers ]] || return 0
  keep_signers "$signers" || { failed verify "signers: cannot be read" || return; }
  while read -r commit; do
    complaint=$(signed_by_signer "$commit" 2>&1) || {
      failed verify "${commit:0:7} carries no good signature of a signer"$'\n'"${complaint:-it is not signed}"
      return
    }
  done < <(commits_since_deployed "$1")
}

commits_since_deployed() { # revision
  local deployed=${decision[deployed]}
  echo "$1"
  [[ -z $deployed ]] || ! mirror_has "$mirror" "$deployed" ||
    quiet_git --git-dir="$mirror" rev-list "$1" "^$deployed" | grep -vx "$1" || true
}

# git itself verifies, against these signers and nobody else: not root's keyring, not root's configuration.
signed_by_signer() { # commit
  GNUPGHOME=$run_dir/signers/gnupg GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null \
    quiet_git --git-dir="$mirror" -c gpg.ssh.allowedSignersFile="$run_dir/signers/allowed" -c gpg.minTrustLevel=undefined \
    -c gpg.program=gpg -c gpg.ssh.program=ssh-keygen verify-commit "$1"
}

# Lines as in ssh-keygen's allowed signers file, and armoured OpenPGP keys, apart for the two tools that read them.
keep_signers() { # text
  local folder=$run_dir/signers
  [[ $(cat "$folder/text" 2>/dev/null) != "$1" ]] || return 0
  rm -rf "$folder" && (umask 077 && mkdir -p "$folder/gnupg") || return
  sed '/^-----BEGIN PGP/,/^-----END PGP/d' <<<"$1" >"$folder/allowed"
  if [[ $1 == *'-----BEGIN PGP PUBLIC KEY BLOCK-----'* ]]; then
    sed -n '/^-----BEGIN PGP/,/^-----END PGP/p' <<<"$1" |
      GNUPGHOME=$folder/gnupg gpg --batch --quiet --import || return
  fi
  printf '%s\n' "$1" >"$folder/text"
}

# http(s), ssh and git, and nothing that git could take for an option or a helper's name.
is_repository_url() { # url
  [[ $1 =~ ^(https?|ssh|git)://[^[:space:]]+$ || $1 =~ ^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^[:space:]]+$ ]] && [[ $1 != -* ]]
}

# Before git asks the repository for anything. A home's may also be the machine's mirror.
open_repository() {
  local url
  url=$(driver_repository)
  [[ -n $url ]] || { failed fetch "no repository to update from is set" || return; }
  is_repository_url "$url" || [[ $url == "$(setting mirror)" ]] || {
    failed verify "repository: \"$(one_line "$url")\" must be an http(s), ssh or git URL"
    return
  }
  use_credential
}
