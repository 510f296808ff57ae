/** What a machine runs, asked of the machine itself and never of the agent. */
export interface Facts {
  /** Store paths. */
  current: string;
  profile: string;
  booted: string;
  /** What /etc is made of. */
  etc: string;
  /** Whether the store holds all of the profile's closure, byte for byte. */
  whole: boolean;
  /** The revision's number, in /etc and in the profile. */
  number: string;
  next: string;
  /** The version that the visible service shows, and that the system is of. */
  shown: string;
  version: string;
  /** Units that failed, the update's own apart. */
  failed: string[];
  /** The revision that the agent believes to be deployed. */
  remembered: string;
  /** Whether someone holds the lock. */
  locked: boolean;
  generations: number;
  /** Systems in the store, and files of the agent's and of temporary folders. */
  systems: number;
  litter: number;
}

/** Prints the facts as JSON. */
export const facts = String.raw`
current=$(readlink -e /run/current-system) profile=$(readlink -e /nix/var/nix/profiles/system) etc=$(readlink -f /etc/static)
number= next= shown= version=
read -r number </etc/lab
read -r next <"$profile/etc/lab"
read -r shown </run/fleet-demo/version
read -r version <"$current/nixos-version"
set -- /nix/store/*-nixos-system-*[!v] && systems=$#
[ -e "$1" ] || systems=0
set -- /nix/var/nix/profiles/system-*-link && generations=$#
[ -L "$1" ] || generations=0
whole=true
nix-store --verify-path $(nix-store --query --requisites "$profile") >/dev/null 2>&1 || whole=false
locked=false
if [ -f /run/lock/nixos-auto-update.lock ]; then flock --nonblock /run/lock/nixos-auto-update.lock true || locked=true; fi
jq --null-input --compact-output '$ARGS.named
    | .etc |= sub("/[^/]*$"; "")
    | .failed |= [split("\n")[] | split(" ")[0] | select(. != null and . != "" and (startswith("nixos-auto-update") | not))]' \
  --arg current "$current" --arg profile "$profile" --arg booted "$(readlink -e /run/booted-system)" --arg etc "$etc" \
  --argjson whole $whole --argjson locked $locked \
  --arg number "$number" --arg next "$next" --arg shown "$shown" --arg version "$version" \
  --arg remembered "$(jq --raw-output .revision /var/lib/nixos-auto-update/state.json)" \
  --argjson systems "$systems" --argjson generations "$generations" \
  --argjson litter "$(ls /tmp /var/lib/nixos-auto-update /run/nixos-auto-update | wc -l)" \
  --arg failed "$(systemctl list-units --state=failed --plain --no-legend)"
`;
