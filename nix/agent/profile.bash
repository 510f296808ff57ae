# shellcheck shell=bash
# Profiles: which generation is the one to boot, or to log in to.

profile_set() { # profile, store path
  mkdir -p "$(dirname "$1")" && nix-env --profile "$1" --set "$2"
}

# Goes back to the generation that has the old path (made anew if it is gone) and forgets those that have the bad one.
profile_restore() { # profile, old path or nothing, bad path
  local profile=$1 old=$2 bad=$3 link number
  if [[ -n $old ]]; then
    number=$(profile_generation "$profile" "$old")
    if [[ -n $number ]]; then
      nix-env --profile "$profile" --switch-generation "$number" || return
    else
      nix-env --profile "$profile" --set "$old" || return
    fi
  else
    rm -f "$profile"
  fi
  for link in "$profile"-*-link; do
    [[ $(readlink "$link") != "$bad" ]] || rm -f "$link"
  done
}

# The number of the newest generation that has this path.
profile_generation() { # profile, path
  local link found=
  while read -r link; do
    [[ $(readlink "$link") != "$2" ]] || found=${link%-link}
  done < <(printf '%s\n' "$1"-*-link | sort --version-sort)
  printf '%s' "${found##*-}"
}
