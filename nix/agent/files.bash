# shellcheck shell=bash
# Files that are whole or not there, and facts about this boot.

# Writes a text to a file; who reads it meets the old one or the new one.
write_file() { # file, text
  write_beside "$1" "$2" && mv -fT "$1.new" "$1"
}

# The same where a power cut must leave the old one or the new one, too.
keep_file() { # file, text
  write_beside "$1" "$2" && sync "$1.new" && mv -fT "$1.new" "$1" && sync "${1%/*}"
}

# What lies in the way may be anything: somebody's folder, the rest of a run that was killed.
write_beside() { # file, text
  [[ ! -d $1.new ]] || rm -rf "$1.new"
  [[ ! -d $1 ]] || rm -rf "$1"
  { printf '%s\n' "$2" >"$1.new"; } 2>/dev/null
}

# A file's JSON object; {} where there is none, or none that is whole.
read_json() { # file
  local file=$1 text
  if [[ -f $file ]]; then
    if text=$(jq --compact-output 'objects' "$file" 2>/dev/null) && [[ -n $text ]]; then
      printf '%s\n' "$text"
      return
    fi
    log "$file is not readable; going on without it"
  fi
  echo '{}'
}

# A file's text into a variable; nothing where there is none.
read_into() { # variable, file
  local -n into=$1
  into=
  # Not by a substitution, which would be a process more.
  [[ ! -f $2 || ! -r $2 ]] || IFS= read -r -d '' into <"$2" || true
  into=${into%$'\n'}
}

# Whether a complaint is about a disk that is full.
is_full() { # complaint
  [[ $1 == *'No space left on device'* || $1 == *'disk is full'* || $1 == *'Disk quota exceeded'* ]]
}

now() {
  TZ=UTC printf '%(%Y-%m-%dT%H:%M:%SZ)T\n' -1
}

# When this machine (or container) booted, which is another time after each boot. The first who asks after a boot settles it, since
# the clock may yet be corrected.
booted_at() {
  local file=$run_dir/booted-at booted ticks since
  read_into booted "$file"
  [[ $booted =~ ^[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}Z$ ]] || {
    ticks=$(sed 's/.*) //' /proc/1/stat | cut -d' ' -f20)
    since=$(sed -n 's/^btime //p' /proc/stat)
    booted=$(TZ=UTC printf '%(%Y-%m-%dT%H:%M:%SZ)T' $((since + ticks / $(getconf CLK_TCK 2>/dev/null || echo 100))))
    write_file "$file" "$booted"
  }
  printf '%s\n' "$booted"
}
