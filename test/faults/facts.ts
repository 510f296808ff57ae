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
current=$(readlink -e /run/current-system) profile=$(readlink -e /nix/var/nix/profiles/system)
whole=true
nix-store --verify-path $(nix-store --query --requisites "$profile") >/dev/null 2>&1 || whole=false
locked=false
if [ -f /run/lock/nixos-auto-update.lock ]; then flock --nonblock /run/lock/nixos-auto-update.lock true || locked=true; fi
jq --null-input --compact-output '$ARGS.named' \
  --arg current "$current" --arg profile "$profile" --arg booted "$(readlink -e /run/booted-system)" --arg etc "$(dirname "$(readlink -f /etc/static)")" \
  --argjson whole $whole --argjson locked $locked \
  --arg number "$(cat /etc/lab)" --arg next "$(cat "$profile/etc/lab")" \
  --arg remembered "$(jq --raw-output .revision /var/lib/nixos-auto-update/state.json)" \
  --arg shown "$(cat /run/fleet-demo/version)" --arg version "$(cat "$current/nixos-version")" \
  --argjson systems "$(ls /nix/store | grep -c -e '-nixos-system-[^/]*[^v]$')" \
  --argjson litter "$(ls /tmp /var/lib/nixos-auto-update /run/nixos-auto-update | wc -l)" \
  --argjson generations "$(ls /nix/var/nix/profiles | grep -c '^system-.*-link$')" \
  --argjson failed "$(systemctl list-units --state=failed --plain --no-legend | cut -d' ' -f1 | grep -v '^nixos-auto-update' | jq -R . | jq -cs .)"
`;
