#!/usr/bin/env bash
# git's credential helper (gitcredentials(7)): says what is in a file, keeps nothing and forgets nothing.
# usage: git-credential.bash FILE get|store|erase
set -euo pipefail

# The file holds a token, or USER:TOKEN where the name counts, as for GitLab's deploy tokens. Otherwise GitHub's Apps want the name
# below (docs.github.com, "Authenticating as a GitHub App installation"); with GitHub's personal tokens and GitLab's and Gitea's any will do.
[[ $2 == get ]] || exit 0
read -r token <"$1"
user=x-access-token
[[ $token != *:* ]] || user=${token%%:*}
printf 'username=%s\npassword=%s\n' "$user" "${token#*:}"
