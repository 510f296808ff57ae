/**
 * Compares two texts of `flake.lock`: which inputs changed, from what to what, by how many days. Pure; the program's preview, `fleet diff`
 * and `fleet lock update` read it.
 */
import { readLock, type LockInput } from "./flake-lock-file";
import { plural } from "../text/text";

/** An input as a lock holds it. */
interface LockedInput {
  /** As a flake reference, such as `github:NixOS/nixpkgs/nixos-26.05`. */
  source: string;
  /** The full revision; null for an input without one, such as a file. */
  revision: string | null;
  /** When that revision was made: RFC 3339, UTC. */
  at: string | null;
  /** The content hash, such as `sha256-…`; null if the lock has none. */
  hash: string | null;
  /** The input that it follows, such as `a/nixpkgs`; null if it has a lock of its own. */
  follows: string | null;
}

/** An input that differs between two locks. */
export interface LockChange {
  /** The name that the flake gives it; an input's own inputs are `home-manager/nixpkgs`. */
  input: string;
  /** Null if the input is new. */
  before: LockedInput | null;
  /** Null if the input was removed. */
  after: LockedInput | null;
  /** Days from one revision to the other; negative if it moves back, null if a date is missing. */
  days: number | null;
  /** The address of a page that compares the two; null if that is not known. */
  link: string | null;
  /** What changed besides the revision, in words. */
  notes: string[];
}

/**
 * The inputs that differ between two texts of `flake.lock`, by name; a lock without nodes has no inputs.
 * An input that follows another one is listed only if it follows a different one than before. Otherwise the followed input is listed.
 * @throws Error with one line if a text is not a lock
 */
export function lockChanges(before: string, after: string): LockChange[] {
  const [old, now] = [readLock(before), readLock(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.flatMap((input) => changeOf(input, old.get(input), now.get(input)) ?? []);
}

/** `nixpkgs 8eeec93 → 391b592, 37 days later`: one line. */
export function lockChangeLine({ input, before, after, days, notes }: LockChange): string {
  if (before === null || after === null) {
    const there = before ?? after;
    const follows = there?.follows == null ? [] : [`follows ${there.follows}`];
    const about = [there?.source ?? "", there === null ? "" : versionText(there), ...follows].filter(
      (one) => one !== "",
    );
    return `${input} is ${before === null ? "new" : "gone"}: ${about.join(" ")}`;
  }
  const [from, to] = versionTexts(before, after);
  if (from === to) return `${input}: ${notes.join("; ")}${from === "" ? "" : ` (still ${from})`}`;
  return `${input} ${from} → ${to}${daysText(days)}${notes.length === 0 ? "" : ` (${notes.join("; ")})`}`;
}

/** The names of the direct inputs of a lock's flake. @throws Error with one line if the text is not a lock */
export function lockInputs(lock: string): string[] {
  return [...readLock(lock).keys()].filter((name) => !name.includes("/"));
}

/** Undefined if the two are the same. */
function changeOf(input: string, from: LockInput | undefined, to: LockInput | undefined): LockChange | undefined {
  const days = daysBetween(from?.at ?? null, to?.at ?? null);
  const change = { input, before: shown(from), after: shown(to), days, link: linkOf(from, to) };
  if (from === undefined || to === undefined) {
    // If an input's own input follows another, it is part of that input, which is listed itself.
    const follows = (from ?? to)?.follows;
    return follows != null && input.includes("/") ? undefined : { ...change, notes: [] };
  }
  if (from.follows !== null && from.follows === to.follows) return undefined;
  const notes = notesOf(from, to);
  return notes.length > 0 || from.revision !== to.revision || from.hash !== to.hash ? { ...change, notes } : undefined;
}

/** What changed apart from the revision and its hash, which changes with the revision. */
function notesOf(from: LockInput, to: LockInput): string[] {
  const notes = [
    from.source === to.source ? null : `${from.source} → ${to.source}`,
    from.dir === to.dir ? null : `dir ${from.dir || "(top)"} → ${to.dir || "(top)"}`,
    from.submodules === to.submodules ? null : `submodules are ${to.submodules ? "fetched now" : "no longer fetched"}`,
    from.lfs === to.lfs ? null : `large files (LFS) are ${to.lfs ? "fetched now" : "no longer fetched"}`,
    followsNote(from.follows, to.follows),
  ].filter((note) => note !== null);
  if (notes.length > 0 || from.hash === to.hash || from.revision !== to.revision) return notes;
  const hashes = `content hash ${from.hash ?? "none"} → ${to.hash ?? "none"}`;
  if (from.revision !== null) return [`WARNING: same revision, but another ${hashes}`];
  return from.hash === null || to.hash === null ? [hashes] : [];
}

function followsNote(before: string | null, after: string | null): string | null {
  if (before === after) return null;
  if (after === null) return `no longer follows ${before ?? ""}`;
  return before === null ? `follows ${after} now` : `follows ${after} now, no longer ${before}`;
}

function shown(input: LockInput | undefined): LockedInput | null {
  if (input === undefined) return null;
  const { source, revision, at, hash, follows } = input;
  return { source, revision, at, hash, follows };
}

/** The texts that distinguish the two: their revisions, days or hashes; twice the same text if none of them differ. */
function versionTexts(before: LockedInput, after: LockedInput): [string, string] {
  for (const text of [shortRevision, day]) {
    const [from, to] = [text(before), text(after)];
    if (from !== "" && to !== "" && from !== to) return [from, to];
  }
  if (before.revision === null && before.hash !== null && after.hash !== null && before.hash !== after.hash) {
    const differ = shortHash(before) !== shortHash(after);
    return differ ? [shortHash(before), shortHash(after)] : [before.hash, after.hash];
  }
  return [versionText(before), versionText(after)];
}

function versionText(input: LockedInput): string {
  return shortRevision(input) || day(input) || shortHash(input);
}

function shortHash({ hash }: LockedInput): string {
  return hash?.slice(0, 17) ?? "";
}

function shortRevision({ revision }: LockedInput): string {
  return revision?.slice(0, 7) ?? "";
}

function day({ at }: LockedInput): string {
  return at?.slice(0, 10) ?? "";
}

function daysText(days: number | null): string {
  if (days === null || days === 0) return "";
  return `, ${plural(Math.abs(days), "day")} ${days > 0 ? "later" : "earlier"}`;
}

function daysBetween(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);
}

function linkOf(from: LockInput | undefined, to: LockInput | undefined): string | null {
  if (!from?.revision || !to?.revision || to.page === null || from.page !== to.page) return null;
  if (from.revision === to.revision) return null;
  return `${to.page}/${to.compare}/${from.revision}...${to.revision}`;
}
