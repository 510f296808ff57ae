#!/bin/sh
# The startup script: makes a fresh NixOS VM a member of its fleet. It holds no secret and nothing of a particular VM, and it rarely changes.
# startup-loader.sh gets it and runs it, at every boot and again at switches, until the VM's first update is done.
# On an image that brings the agent it starts that; on another NixOS image it gets the agent from the configuration repository, at exactly
# the revision that the VM's wave is approved for. See the unit below and its journal.
# shellcheck disable=SC2154
set -eu

run=/run/nixos-fleet
keys=$run/keys
unit=nixos-auto-update-bootstrap
installed=/run/current-system/sw/bin/nixos-auto-update
metadata=http://${GCE_METADATA_HOST:-169.254.169.254}/computeMetadata/v1
secret_manager=${NIXOS_AUTO_UPDATE_SECRET_MANAGER:-https://secretmanager.googleapis.com}
limit=${NIXOS_AUTO_UPDATE_BUILD_TIMEOUT:-7200}

PATH=/run/current-system/sw/bin:${PATH:-/usr/sbin:/usr/bin:/sbin:/bin}
export PATH HOME=/root

say() {
  echo "nixos-fleet: $*" >&2
  # The serial console shows it as well, if there is one.
  [ ! -w /dev/console ] || echo "nixos-fleet: $*" 2>/dev/null >/dev/console || true
}

die() {
  say "$@"
  exit 1
}

# Runs a program that may wait for the network; the unit is tried again if it hangs.
limited() {
  timeout --kill-after=30 "$limit" "$@"
}

build() {
  limited nix --extra-experimental-features 'nix-command flakes' build "$@"
}

# The site's proxies (networking.proxy). A URL may have a password in it, so no command line has it.
import_proxies() {
  [ -r /etc/set-environment ] || return 0
  for kind in http https ftp rsync all no; do
    for name in "${kind}_proxy" "$(printf %s "${kind}_proxy" | tr '[:lower:]' '[:upper:]')"; do
      # shellcheck source=/dev/null
      value=$(set +eu && . /etc/set-environment >/dev/null 2>&1 && eval "printf %s \"\${$name-}\"") || value=
      [ -z "$value" ] || export "$name=$value"
    done
  done
}

# Outside of the unit: starts it, once.
start() {
  if systemctl is-active --quiet "$unit.service"; then
    echo "$unit runs already"
    exit 0
  fi
  # A unit of its own, which no switch stops, and which is tried again for as long as it fails.
  systemd-run --quiet --collect --unit="$unit" --property=SyslogIdentifier=nixos-auto-update \
    --property=Restart=on-failure --property=RestartSec=10 --property=StartLimitIntervalSec=0 \
    --setenv=HOME=/root --setenv=PATH="$PATH" sh "$0" bootstrap
  echo "$unit started"
}

# Prints a value of the metadata server; status 22 if there is none.
read_metadata() { # path
  curl --silent --fail --noproxy '*' --connect-timeout 5 --max-time 15 --header 'Metadata-Flavor: Google' "$metadata/$1"
}

# Prints a field of a JSON file, nothing if it is not there; Nix is the one JSON reader that every NixOS has.
field() { # file, Nix expression of what is in it as `it`
  nix --extra-experimental-features nix-command eval --impure --raw --expr \
    "let it = builtins.fromJSON (builtins.readFile $1); ${3-}in $2"
}

# Sets variables to fields, by one start of Nix.
fields() { # file, and names and expressions
  file=$1 sets='' && shift
  while [ $# -gt 0 ]; do
    sets="$sets
+ set \"$1\" ($2)"
    shift 2
  done
  sets=$(field "$file" "\"\"$sets" "set = name: text: name + \"='\" + builtins.replaceStrings [\"'\"] [\"'\\\\''\"] text + \"'\\n\";") || exit
  eval "$sets"
}

check_image() {
  command -v nix >/dev/null || die "this image has no Nix; build one from the fleet's flake (packages.gce-image)"
  version=$(nix --version | sed 's/.* //')
  lowest=$(printf '%s\n' 2.18 "$version" | sort -V | head -n 1)
  [ "$lowest" = 2.18 ] || die "this image has Nix $version; 2.18 or newer is needed"
  get_program git gitMinimal
}

# Gets a program that the image lacks.
get_program() { # program, package
  ! command -v "$1" >/dev/null || return 0
  say "this image has no $1; getting it from nixpkgs"
  PATH=$PATH:$(build --no-link --print-out-paths "nixpkgs#$2")/bin ||
    die "this image has no $1, and nixpkgs#$2 cannot be had"
}

# Waits until the VM's item and its wave's approval are there, and leaves both in files. A VM without a wave goes to its branch's head.
wait_for_approval() {
  waiting=
  until read_metadata instance/attributes/nixos-fleet >"$run/instance.json"; do
    [ -n "$waiting" ] || say "waiting for this VM's metadata item"
    waiting=yes
    sleep 5
  done
  fields "$run/instance.json" repository it.repository host it.host fleet 'it.fleet or ""' stack 'it.stack or ""' wave 'it.wave or ""' \
    branch 'it.branch or "main"' folder 'it.subdirectory or ""' known_hosts 'it.knownHosts or ""' signers 'it.signers or ""' \
    own 'it.deployKeySecret or ""' inputs 'let inputs = it.deployKeys or { }; in builtins.concatStringsSep ""
      (map (name: name + " " + builtins.getAttr name inputs + "\n") (builtins.attrNames inputs))' \
    cache_url 'it.cache.url or ""' cache_key 'it.cache.publicKey or ""'
  rm -f "$run/approval.json"
  [ -n "$wave" ] || return 0
  key=nixos-fleet--$fleet--$stack--$wave
  waiting=
  until read_metadata "project/attributes/$key" >"$run/approval.new"; do
    [ -n "$waiting" ] || say "waiting for the approval of wave $wave"
    waiting=yes
    sleep 5
  done
  mv "$run/approval.new" "$run/approval.json"
}

# Leaves nothing secret behind.
forget() {
  rm -rf "$keys"
}

# Puts what a secret of Secret Manager holds into a file.
get_secret() { # secret, file
  case $1 in */versions/*) version=$1 ;; *) version=$1/versions/latest ;; esac
  # `&&` between the steps, because `set -e` has no effect in a function that is called before `||`.
  read_metadata instance/service-accounts/default/token >"$keys/token.json" &&
    field "$keys/token.json" '"header = \"Authorization: Bearer " + it.access_token + "\"\n"' >"$keys/token.conf" &&
    curl --silent --show-error --fail --max-time 30 --config "$keys/token.conf" "$secret_manager/v1/$version:access" \
      >"$keys/secret.json" &&
    field "$keys/secret.json" 'it.payload.data' >"$keys/secret" && base64 --decode "$keys/secret" >"$keys/raw" &&
    tr -d '\r' <"$keys/raw" >"$2" && [ -s "$2" ] &&
    { [ -z "$(tail -c 1 "$2")" ] || echo >>"$2"; } && return
  say "$version cannot be had"
  return 1
}

# HOST or HOST/PATH of a place or a URL: without scheme, user and .git, the host in small letters.
place_of() {
  place=$(printf '%s\n' "$1" | sed -E '/^[a-z]+:/!s|^[^@/]+@([^:/]+):|\1/|; s|^[a-z]+://||; s|^[^@/]*@||; s|/+$||; s|\.git$||; s|/+|/|')
  host=$(printf %s "${place%%/*}" | tr '[:upper:]' '[:lower:]')
  printf %s "$host${place#"${place%%/*}"}"
}

# A line of the table of keys: its rank, what it is, where it is shown and nowhere else, and the file.
entry() { # rank, place, file
  case $(head -n 1 "$3") in '-----BEGIN '*) kind=ssh ;; *) kind=https ;; esac
  echo "$1 $kind $2 $3"
}

# What the repository and the inputs of its flake ask for, out of Secret Manager, in files that root alone reads. The place that names most
# comes first; the repository's own is for its host's other repositories as well.
get_keys() {
  forget
  (
    umask 077
    mkdir "$keys"
    printf %s "$inputs" >"$keys/inputs"
    [ -z "$own" ] || get_secret "$own" "$keys/own" || exit 1
    {
      case ${own:+$repository} in
        '' | http://* | git://*) ;;
        *)
          place=$(place_of "$repository")
          entry 9999 "$place" "$keys/own"
          entry 0 "${place%%/*}" "$keys/own"
          ;;
      esac
      count=0
      while read -r name secret; do
        count=$((count + 1)) place=$(place_of "$name") file=$keys/$count
        get_secret "$secret" "$file" || continue
        entry=$(entry ${#place} "$place" "$file")
        case $name/$entry in
          https://*' ssh '* | ssh://*' https '* | *[!/]@*:*' https '*) say "$secret is not what $name asks for; not used" ;;
          *) echo "$entry" ;;
        esac
      done <"$keys/inputs"
    } | sort -rn >"$keys/table"
    # For inputs that Nix downloads itself, such as github:OWNER/REPO: nix.conf(5), access-tokens.
    printf 'extra-access-tokens =' >"$keys/nix.conf"
    while read -r _ kind place file; do
      read -r token <"$file"
      case $kind:$token in ssh:*) continue ;; *:PAT:* | *:OAuth2:*) ;; *) token=${token#*:} ;; esac
      printf ' %s=%s' "$place" "$token" >>"$keys/nix.conf"
    done <"$keys/table"
  )
}

# The file for a repository, if there is one.
key_for() { # ssh or https, HOST/PATH
  while read -r _ kind place file; do
    case $kind:$2/ in
      "$1:$place"/* | "$1:$place".git/)
        echo "$file"
        return
        ;;
    esac
  done <"$keys/table"
}

# git runs this in the place of ssh: options, the host, and a command whose last word is the repository.
ask_ssh() {
  host='' path='' port=''
  for word; do
    [ "$host" != -p ] || port=:$path
    host=$path path=$word
  done
  host=$(printf %s "${host#*@}" | tr '[:upper:]' '[:lower:]')$port
  path=${path#*\'} path=${path%\'}
  file=$(key_for ssh "$host/${path#/}")
  [ -z "$file" ] || set -- -o IdentitiesOnly=yes -i "$file" "$@"
  [ ! -s "$run/known_hosts" ] ||
    set -- -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile="$run/known_hosts" "$@"
  exec ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 "$@"
}

# git asks this for a name and a password, and only https shows them. A token may be TOKEN or USER:TOKEN.
ask_credential() {
  [ "$1" = get ] || exit 0
  protocol='' host='' path=''
  while IFS='=' read -r name value; do
    case $name in protocol) protocol=$value ;; host) host=$value ;; path) path=$value ;; esac
  done
  [ "$protocol" = https ] || exit 0
  file=$(key_for https "$host/$path")
  [ -n "$file" ] || exit 0
  read -r token <"$file"
  user=x-access-token
  case $token in *:*) user=${token%%:*} ;; esac
  printf 'username=%s\npassword=%s\n' "$user" "${token#*:}"
}

# git, also where Nix runs it, with these keys and tokens and the pinned host keys. Of the machine's configuration it has only how the site
# reaches the outside, as the agent does. Two minutes of silence end a connection.
set_up_git() {
  set -- credential.helper "!sh $0 credential" credential.useHttpPath true http.lowSpeedLimit 1 http.lowSpeedTime 120
  git config --includes --name-only --get-regexp \
    '^http\.(.*\.)?(proxy|proxyauthmethod|proxysslcainfo|sslcainfo|sslcapath|sslcert|sslkey|sslversion|version|noepsv)$' |
    sort -u >"$keys/site"
  while read -r name; do set -- "$@" "$name" "$(git config --includes --get "$name")"; done <"$keys/site"
  GIT_CONFIG_COUNT=0
  while [ $# -gt 0 ]; do
    export "GIT_CONFIG_KEY_$GIT_CONFIG_COUNT=$1" "GIT_CONFIG_VALUE_$GIT_CONFIG_COUNT=$2"
    GIT_CONFIG_COUNT=$((GIT_CONFIG_COUNT + 1))
    shift 2
  done
  printf %s "$known_hosts" >"$run/known_hosts"
  export GIT_CONFIG_COUNT GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL=http:https:ssh:git:file
  export GIT_SSH_COMMAND="sh $0 ssh" GIT_SSH_VARIANT=ssh
  export NIX_CONFIG="include $keys/nix.conf"
}

in_repository() {
  limited git --git-dir="$run/repository" "$@"
}

# Fetches the branch's head alone, where nothing or no more is there.
fetch_head() {
  { [ -z "$kept" ] || [ -e "$run/repository/shallow" ]; } &&
    in_repository fetch --quiet --no-tags --depth=1 -- "$repository" "$head"
}

# Fetches branches with their history.
fetch_branches() { # refspec, options
  refspec=$1 && shift
  [ ! -e "$run/repository/shallow" ] || set -- --unshallow
  in_repository fetch --quiet --no-tags "$@" -- "$repository" "$refspec"
}

# Whether a fetched branch has the revision.
on_branch() { # the branch's reference, or those below which it is
  [ -n "$(in_repository for-each-ref --contains="$revision" "$1" 2>/dev/null)" ]
}

# What an earlier try fetched from this repository to the end, or nothing; a fetch that was killed leaves locks.
open_repository() {
  kept=
  if [ -e "$run/fetched" ] && [ "$(cat "$run/fetched")" = "$repository" ]; then kept=yes; fi
  rm -f "$run/fetched"
  [ -z "$kept" ] || return 0
  rm -rf "$run/repository"
  git init --quiet --bare "$run/repository"
}

# Exactly the approved revision, or the branch's head if the VM has no wave, into a repository of root's. A branch must contain it: a server
# also hands out what is in a pull request or a fork.
fetch() {
  open_repository
  revision='' lock='' manifest=''
  [ ! -e "$run/approval.json" ] || fields "$run/approval.json" revision it.revision lock it.lock \
    manifest 'it.manifest.url or ""' digest 'it.manifest.sha256 or ""'
  say "fetching ${revision:-branch $branch}"
  head=+refs/heads/$branch:refs/nixos-fleet/head
  fetch_head || fetch_branches "$head" || die "cannot fetch from the repository"
  revision=${revision:-$(in_repository rev-parse refs/nixos-fleet/head)}
  on_branch refs/nixos-fleet/head || fetch_branches "$head" || die "cannot fetch from the repository"
  on_branch refs/nixos-fleet/head || fetch_branches '+refs/heads/*:refs/nixos-fleet/branches/*' --prune ||
    die "cannot fetch from the repository"
  printf '%s\n' "$repository" >"$run/fetched"
  on_branch refs/nixos-fleet/head || on_branch refs/nixos-fleet/branches/ || die "no branch contains the approved revision $revision; run pulumi up if a forced push removed it"
  in_repository update-ref refs/heads/fleet "$revision"
  [ -z "$lock" ] || [ "$(in_repository cat-file blob "$revision:${folder:+$folder/}flake.lock" | sha256sum | cut -d ' ' -f 1)" = "$lock" ] ||
    die "flake.lock is not the approved one, by its digest"
}

# If there are signers, one of them must have signed the commit.
verify() {
  printf %s "$signers" >"$run/signers"
  [ -s "$run/signers" ] || return 0
  sed '/^-----BEGIN PGP/,/^-----END PGP/d' "$run/signers" >"$run/allowed"
  export GNUPGHOME="$run/gnupg"
  rm -rf "$GNUPGHOME"
  (umask 077 && mkdir "$GNUPGHOME")
  if grep -q '^-----BEGIN PGP PUBLIC' "$run/signers"; then
    get_program gpg gnupg^out
    sed -n '/^-----BEGIN PGP/,/^-----END PGP/p' "$run/signers" | gpg --batch --quiet --import || die "signers: cannot be read"
  fi
  git -c gpg.ssh.allowedSignersFile="$run/allowed" -c gpg.minTrustLevel=undefined -c gpg.program=gpg -c gpg.ssh.program=ssh-keygen \
    -c gpg.x509.program=false --git-dir="$run/repository" verify-commit "$revision" || die "the commit carries no good signature of a signer"
}

# Builds the agent of that revision, kept by a link.
get_agent() {
  say "building the agent"
  build --out-link "$run/agent" --no-update-lock-file \
    "git+file://$run/repository?ref=refs/heads/fleet&rev=$revision&shallow=1${folder:+&dir=$folder}#nixosConfigurations.\"$host\".config.services.nixos-auto-update.package" ||
    die "the agent cannot be built; does the configuration of $host enable services.nixos-auto-update?"
}

# The system that the approval's manifest names for this host, if it names one and a cache has it.
get_prebuilt() {
  [ -n "$manifest" ] || return 1
  curl --silent --fail --location --proto '=http,https' --max-time 60 --output "$run/manifest.json" "$manifest" || return 1
  [ "$(sha256sum <"$run/manifest.json" | cut -d ' ' -f 1)" = "$digest" ] || return 1
  path=$(field "$run/manifest.json" "it.\"$host\" or \"\"")
  case $path in /nix/store/*[!A-Za-z0-9+._?=-]*) return 1 ;; /nix/store/?*-?*) ;; *) return 1 ;; esac
  say "getting $path"
  limited nix-store --realise "$path" --add-root "$run/system" \
    --option extra-substituters "$cache_url" --option extra-trusted-public-keys "$cache_key" >/dev/null || return 1
  ln -sfn "$path/sw" "$run/agent"
}

bootstrap() {
  trap forget EXIT
  import_proxies
  if [ ! -x "$installed" ]; then
    check_image
    wait_for_approval
    case $repository in
      http://* | https://* | ssh://* | git://* | [A-Za-z0-9]*@*:*) ;;
      *) die "repository: \"$repository\" must be an http(s), ssh or git URL" ;;
    esac
    # In a subshell, so that the agent does not inherit the variables that this sets. Nothing of a revision runs before it is verified.
    (
      get_keys
      set_up_git
      fetch
      verify
      # Nothing binds a manifest's path to the signed commit.
      { [ ! -s "$run/signers" ] && get_prebuilt; } || get_agent
    )
    installed=$run/agent/bin/nixos-auto-update
  fi
  forget
  exec "$installed" bootstrap
}

case ${1-} in
  bootstrap) bootstrap ;;
  ssh) shift && ask_ssh "$@" ;;
  credential) ask_credential "$2" ;;
  *) start ;;
esac
