# shellcheck shell=bash
# Files that are whole or not there, and facts about this boot.

# Writes standard input to a file that everybody may read; a power cut leaves the old one or the new one.
write_file() { # file
  local file=$1
  [[ ! -d $file.new ]] || rm -rf "$file.new"
  [[ ! -d $file ]] || rm -rf "$file"
  cat >"$file.new" &&
    chmod 644 "$file.new" &&
    sync "$file.new" &&
    mv -fT "$file.new" "$file" &&
    sync "$(dirname "$file")"
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
  [[ ! -r $2 ]] || into=$(<"$2")
}

now() {
  TZ=UTC printf '%(%Y-%m-%dT%H:%M:%SZ)T\n' -1
}

# Another one after each boot of this machine, or container.
boot_id() {
  booted_at "$run_dir/booted-at"
}

# When this machine (or container) booted. The first who asks after a boot settles it, since the clock may yet be corrected.
booted_at() { # file to keep it in
  local file=$1 ticks since
  if [[ ! -e $file ]]; then
    ticks=$(sed 's/.*) //' /proc/1/stat | cut -d' ' -f20)
    since=$(sed -n 's/^btime //p' /proc/stat)
    date --utc --date="@$((since + ticks / $(getconf CLK_TCK 2>/dev/null || echo 100)))" +%Y-%m-%dT%H:%M:%SZ | write_file "$file"
  fi
  cat "$file"
}
