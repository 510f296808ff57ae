/** What a revision would change for VMs, as one document: decided purely from their reports, and shown to people. */
import { short } from "../../rules/contract";
import type { LockChange } from "../../rules/lock/flake-lock";
import { lockLines } from "./lock-text";
import type { FleetId } from "../fleet";
import type { FleetStatus } from "../status/status";
import { oneLine, plural } from "../../rules/text/text";

/** VMs that go from one revision to another together. */
export interface Move {
  /** Full revisions. */
  from: string;
  to: string;
  vms: string[];
}

/** The document that `fleet diff --json` prints. */
export interface FleetDiff extends FleetId {
  /** RFC 3339, UTC. */
  at: string;
  moves: MoveDiff[];
  /** VMs that run it already. */
  same: string[];
  /** VM → why its changes are unknown */
  left: Record<string, string>;
  /** Why closures were not compared; null if they were, or were not requested. */
  closures: string | null;
}

/** What a move changes. */
export interface MoveDiff extends Move {
  /** The lock's inputs; null if a lock cannot be read. */
  inputs: LockChange[] | null;
  /** Files of the config repository that differ, except the lock. */
  files: string[];
  closures: ClosureDiff[];
}

/** How the closures of some VMs' systems differ: the same for all of them. */
export interface ClosureDiff {
  vms: string[];
  /** One line per package, as Nix prints it; null if they could not be compared. */
  packages: string[] | null;
  /** Why they could not be compared. */
  problem: string | null;
}

/** Maximum number of file names in one line. */
const filesShown = 8;

/** Which VMs would move where. @param target the revision for all of them; by default what each VM should run */
export function planMoves(
  { vms }: Pick<FleetStatus, "vms">,
  target?: string,
): { moves: Move[]; same: string[]; left: Record<string, string> } {
  const moves = new Map<string, Move>();
  const same: string[] = [];
  const left: Record<string, string> = {};
  for (const { name, system, wanted } of vms) {
    const [from, to] = [system?.revision ?? "", target ?? wanted];
    if (!/^[0-9a-f]{40}$/.test(from)) {
      left[name] = "has not reported what it runs";
    } else if (to === null) {
      left[name] = "its wave is not approved yet";
    } else if (to === "previous") {
      left[name] = "goes back to what it ran before, which it alone knows";
    } else if (from === to) {
      same.push(name);
    } else {
      const move = moves.get(from + to) ?? { from, to, vms: [] };
      moves.set(from + to, { ...move, vms: [...move.vms, name] });
    }
  }
  return { moves: [...moves.values()], same, left };
}

/** Groups VMs whose closures differ in the same way. */
export function groupClosures(found: ReadonlyMap<string, string[] | Error>): ClosureDiff[] {
  const groups = new Map<string, ClosureDiff>();
  for (const [vm, one] of found) {
    const change =
      one instanceof Error
        ? { packages: null, problem: oneLine(one.message, 400) }
        : { packages: one.map((line) => oneLine(line, 300)), problem: null };
    const key = JSON.stringify(change);
    groups.set(key, { vms: [...(groups.get(key)?.vms ?? []), vm], ...change });
  }
  return [...groups.values()];
}

/** The document as people read it. @param target what the VMs that do not move run: `what is wanted`, or a revision */
export function diffLines(diff: FleetDiff, target: string): string[] {
  const blocks = diff.moves.map((move) => [
    `${oneLine(move.vms.join(", "), 500)}: ${short(move.from)} => ${short(move.to)}`,
    ...(move.inputs === null
      ? ["  a flake.lock of the two cannot be read"]
      : move.inputs.length === 0
        ? ["  flake.lock changes no input"]
        : lockLines(move.inputs)),
    ...(move.files.length === 0 ? [] : [`  besides flake.lock: ${filesText(move.files)}`]),
    ...move.closures.flatMap((closure) => closureLines(closure, move.vms)),
    "",
  ]);
  const left = Object.entries(diff.left).map(([vm, why]) => `${vm}: ${why}`);
  return [
    ...blocks.flat(),
    ...left,
    ...(diff.closures === null ? [] : [diff.closures]),
    ...(diff.same.length === 0 ? [] : [`${vmsText(diff.same)} ${target} already`]),
  ].map((line) => line.trimEnd());
}

function closureLines({ vms, packages, problem }: ClosureDiff, all: readonly string[]): string[] {
  const whose = vms.length === all.length ? "the closure" : `the closure of ${oneLine(vms.join(", "), 300)}`;
  if (packages === null) return [`  ${whose} cannot be compared: ${problem ?? ""}`];
  if (packages.length === 0) return [`  ${whose} has the same packages, in the same size`];
  return [`  ${whose}:`, ...packages.map((line) => `    ${line}`)];
}

function filesText(files: readonly string[]): string {
  const more = files.length - filesShown;
  const names = files.slice(0, filesShown).join(", ");
  return oneLine(more > 0 ? `${names} and ${plural(more, "file")} more` : names, 600);
}

function vmsText(vms: readonly string[]): string {
  return vms.length === 1 ? `${vms[0] ?? ""} runs` : `${oneLine(vms.join(", "), 300)} run`;
}
