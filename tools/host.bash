# Programs that the host may lack. Sourced; puts those that were unpacked into the cache at the end of PATH.
#
# Debian's packages are installed where that changes no package that the host has. Otherwise (systemd-container wants systemd's very
# version), and without root, they are unpacked into the cache with the libraries of their own version, and the host stays as it is.

host_cache=${XDG_CACHE_HOME:-$HOME/.cache}/nixos-fleet/host
export PATH=$PATH:$host_cache/bin

# host_programs PROGRAM[:PACKAGE]…: makes sure that they are there.
host_programs() {
  local one missing=()
  for one in "$@"; do
    command -v "${one%%:*}" >/dev/null || missing+=("$one")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || {
    echo "needs these programs on PATH: ${missing[*]%%:*}" >&2
    return 1
  }
  mkdir -p "$host_cache"
  (
    # One at a time: apt refuses a second.
    exec 9>"$host_cache/lock"
    flock 9
    install_programs "${missing[@]}"
  )
}

install_programs() {
  local one quiet=(-qq -o Dpkg::Use-Pty=0) plain=()
  export DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes
  [ "$(id -u)" != 0 ] || apt-get update "${quiet[@]}" >&2
  for one in "$@"; do
    command -v "${one%%:*}" >/dev/null && continue
    if [ "$(id -u)" = 0 ] && ! upgrades "${one##*:}"; then
      plain+=("${one##*:}")
    else
      unpack_program "${one%%:*}" "${one##*:}"
    fi
  done
  [ ${#plain[@]} -gt 0 ] || return 0
  echo "host tools: installing ${plain[*]}" >&2
  apt-get install "${quiet[@]}" --no-install-recommends --no-upgrade "${plain[@]}" >/dev/null
}

# Whether installing a package would upgrade or remove others.
upgrades() {
  apt-get install --simulate --no-install-recommends "$1" | grep -qE '^(Inst [^ ]+ \[|Remv )'
}

# unpack_program PROGRAM PACKAGE: into the cache, with what the package takes of its own source package.
unpack_program() {
  local program=$1 package=$2 scratch own=("$2") file
  echo "host tools: unpacking $program into $host_cache, since installing $package would change the host's packages" >&2
  [ "$package" != systemd-container ] || own+=(libsystemd-shared)
  scratch=$(mktemp -d "$host_cache/.unpacking-XXXXXX")
  chmod 755 "$scratch"
  (cd "$scratch" && apt-get download -qq -o APT::Sandbox::User=root "${own[@]}" >&2) || {
    echo "apt cannot download ${own[*]}: install $package by hand" >&2
    return 1
  }
  for file in "$scratch"/*.deb; do dpkg-deb -x "$file" "$scratch/root"; done
  rm -rf "${host_cache:?}/$package"
  mv "$scratch/root" "$host_cache/$package"
  rm -r "$scratch"
  mkdir -p "$host_cache/bin"
  cat >"$host_cache/bin/$program" <<END
#!/bin/sh
# With the libraries that came with it.
LD_LIBRARY_PATH=$host_cache/$package/usr/lib/$(uname -m)-linux-gnu/systemd exec $(find "$host_cache/$package" -path "*bin/$program" | head -n 1) "\$@"
END
  chmod 755 "$host_cache/bin/$program"
}

# Without a line for each of several hundred modules.
quietly() {
  "$@" 2> >(sed '/^go: downloading /d' >&2)
}

# go_build MODULE ARGUMENT…: `go build` without what the linker drops, a seventh of the CPU time. All builds do the same, one at a time, so
# that each finds what it shares with those before, such as Go's own library.
go_build() {
  local module=$1
  shift
  mkdir -p "$host_cache"
  quietly flock "$host_cache/go-lock" go -C "$module" build -trimpath -gcflags=all=-dwarf=false "$@"
}

# go_program PROGRAM PACKAGE: a program of the Go module that tools/PROGRAM pins, built once for each version. Where there is no Go, it
# is left out.
go_program() {
  local program=$1 package=$2 module pins
  module=$(dirname "${BASH_SOURCE[0]}")/$program
  pins=$program-$(sha256sum <"$module/go.sum" | cut -c1-16)
  [ ! -e "$host_cache/bin/$pins" ] || return 0
  command -v go >/dev/null || {
    echo "host tools: without Go on PATH there is no $program: its check is left out" >&2
    return 0
  }
  echo "host tools: building $program" >&2
  mkdir -p "$host_cache/bin"
  go_build "$module" -ldflags "-s -w" -o "$host_cache/bin/$pins.$$" "$package"
  mv "$host_cache/bin/$pins.$$" "$host_cache/bin/$pins"
  ln -sfn "$pins" "$host_cache/bin/$program"
}

# node_programs VERSION: prints the folder of the programs of a version of Node, as its developers build it, from its npm package.
node_programs() {
  local platform folder scratch
  platform=$(node -p 'process.platform + "-" + process.arch') || return
  folder=${XDG_CACHE_HOME:-$HOME/.cache}/nixos-fleet/node
  if [ ! -d "$folder/$1" ]; then
    mkdir -p "$folder"
    # Beside its place and renamed: npm, when it is killed, leaves half a program.
    scratch=$(mktemp -d "$folder/.installing-XXXXXX") || return
    npm install --prefix "$scratch" --no-save --no-progress --no-update-notifier --loglevel=error "node-$platform@$1" >/dev/null || {
      rm -rf "$scratch"
      return 1
    }
    chmod 755 "$scratch"
    mv -T "$scratch" "$folder/$1" 2>/dev/null || rm -rf "$scratch"
  fi
  echo "$folder/$1/node_modules/node-$platform/bin"
}

# Whether this host can run machines at all; says why not and ends otherwise.
require_machines() {
  local why=
  [ "$(uname -s)" = Linux ] || why="Linux: its machines are containers (network namespaces, overlayfs)"
  [ -n "$why" ] || [ "$(id -u)" = 0 ] || why="root: it makes network namespaces and boots machines in them"
  [ -z "$why" ] || {
    echo "the local cloud needs $why" >&2
    exit 1
  }
}
