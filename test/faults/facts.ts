/** What a machine runs, asked of the machine itself and never of the agent. */
import path from "node:path";
import { parseJson } from "../../rules/text/json";

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

/** Prints what `parseFacts` reads: names and values, the failed units, and the agent's state. A shell does by itself what it can. */
export const facts = String.raw`
current=$(readlink -e /run/current-system) profile=$(readlink -e /nix/var/nix/profiles/system)
number= next= shown= version=
read -r number </etc/lab
read -r next <"$profile/etc/lab"
read -r shown </run/fleet-demo/version
read -r version <"$current/nixos-version"
set -- /nix/store/*-nixos-system-*[!v] && systems=$#
[ -e "$1" ] || systems=0
set -- /nix/var/nix/profiles/system-*-link && generations=$#
[ -L "$1" ] || generations=0
set -- /tmp/* /var/lib/nixos-auto-update/* /run/nixos-auto-update/*
whole=true
nix --extra-experimental-features nix-command store verify --recursive --no-trust "$profile" 2>/dev/null || whole=false
locked=false
if [ -f /run/lock/nixos-auto-update.lock ]; then flock --nonblock /run/lock/nixos-auto-update.lock true || locked=true; fi
echo "current $current
profile $profile
booted $(readlink -e /run/booted-system)
etc $(readlink -f /etc/static)
whole $whole
number $number
next $next
shown $shown
version $version
locked $locked
generations $generations
systems $systems
litter $#
units"
systemctl list-units --state=failed --plain --no-legend
echo state
cat /var/lib/nixos-auto-update/state.json
`;

export function parseFacts(printed: string): Facts {
  const lines = printed.split("\n");
  const [units, state] = [lines.indexOf("units"), lines.indexOf("state")];
  const said = Object.fromEntries(lines.slice(0, units).map(splitAtSpace)) as Record<string, string>;
  const text = (name: string) => said[name] ?? "";
  const { revision } = (parseJson(lines.slice(state + 1).join("\n")) ?? {}) as { revision?: string };
  return {
    current: text("current"),
    profile: text("profile"),
    booted: text("booted"),
    etc: path.dirname(text("etc")),
    whole: text("whole") === "true",
    number: text("number"),
    next: text("next"),
    shown: text("shown"),
    version: text("version"),
    failed: lines
      .slice(units + 1, state)
      .map((line) => splitAtSpace(line)[0])
      .filter((unit) => !unit.startsWith("nixos-auto-update")),
    remembered: revision ?? "",
    locked: text("locked") === "true",
    generations: Number(text("generations")),
    systems: Number(text("systems")),
    litter: Number(text("litter")),
  };
}

function splitAtSpace(line: string): [string, string] {
  const at = line.indexOf(" ");
  return [line.slice(0, at), line.slice(at + 1)];
}
