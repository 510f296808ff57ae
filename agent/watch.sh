#!/bin/sh
# The watcher: one open request to the metadata server, at most one a second whatever the server does, and the agent only when an answer
# or the VM's own item differs from the one before. It stays small, because it runs for as long as its machine.
# usage: watch.sh AGENT…, the command that runs the agent
set -u

server=http://${GCE_METADATA_HOST:-169.254.169.254}/computeMetadata/v1
run=/run/nixos-auto-update
service=nixos-auto-update.service
wait=300        # seconds of one request; Google's server ends them by itself after some time as well
look_every=3600 # seconds after which the agent looks although nothing has changed
longest=60      # seconds at most between two requests

mkdir -p "$run"
answer=$run/watch-answer
# A watcher that a switch has started again goes on from the last look, if the agent still has what that has seen to compare with.
[ -e "$run/watch-baseline" ] || rm -f "$answer"
umask 077

# Sets $now to the seconds since the boot, and not to the clock's time: the clock may be wrong at boot, and be set while this waits.
tell_time() {
  read -r now _ </proc/uptime
  now=${now%.*}
}

# Starts the service until a run has read the request: a run that was about to end when the request came did not see it.
start_until_taken() {
  for pause in 1 2 3 4 5; do
    [ -e "$1" ] || return 0
    systemctl start "$service" 2>/dev/null || [ ! -e "$1" ] || sleep "$pause"
  done
}

serve_requests() {
  for request in "$run"/asked/*; do
    [ ! -e "$request" ] || start_until_taken "$request" &
  done
}

get() { # seconds, options and URL
  longest_get=$1
  shift
  curl --silent --fail --noproxy '*' --connect-timeout 5 --max-time "$longest_get" --max-filesize 4000000 \
    --header 'Metadata-Flavor: Google' "$@"
}

# Prints the new ETag, and leaves the answer in a file; fails if the answer is not complete.
ask() { # etag
  get $((wait + 30)) --output "$answer.new" --write-out '%header{etag}' \
    "$server/project/attributes/?recursive=true&alt=json${1:+&wait_for_change=true&last_etag=$1&timeout_sec=$wait}"
}

# Prints a checksum of the VM's own item (of nothing if it has none). Its change, as of the wave, does not end the open request.
own_item() {
  get 10 "$server/instance/attributes/nixos-fleet" | cksum
}

# Asked only after a request that waited, so that a server that does not wait gets no more requests.
own_item_changed() {
  [ $((now - asked)) -gt 5 ] && [ "$(own_item)" != "$item" ]
}

etag='' delay=1 looked=0 now=0 item='' logged=''
serve_requests
while :; do
  tell_time
  asked=$now
  if new=$(ask "$etag") && [ -n "$new" ] && [ -s "$answer.new" ]; then
    logged=''
    tell_time
    if cmp -s "$answer.new" "$answer" && [ $((now - looked)) -lt $look_every ] && ! own_item_changed; then
      # A server that answers at once, with nothing new, does not wait as it should: ask it less often.
      [ $((now - asked)) -gt 5 ] && delay=1 || delay=$((delay * 2))
      etag=$new
    elif before=$(own_item) && "$@" look; then
      item=$before
      mv -f "$answer.new" "$answer"
      tell_time
      looked=$now etag=$new delay=1
      serve_requests
    else
      etag='' delay=$((delay * 2))
    fi
  else
    if [ $delay -ge 32 ] && [ -z "$logged" ]; then
      echo "the metadata server does not answer; still trying" >&2
      logged=yes
    fi
    etag='' delay=$((delay * 2))
  fi
  [ $delay -le $longest ] || delay=$longest
  sleep "$delay"
done
