/**
 * What a change of `flake.lock` moves: the inputs by name, from which revision to which, by how many days. Pure; the program's preview
 * and `fleet diff` both read it.
 */

/** An input as a lock holds it. */
export interface LockedInput {
  /** As a flake reference, such as `github:NixOS/nixpkgs/nixos-26.05`. */
  source: string;
  /** The full revision; null for what has none, such as a tarball. */
  revision: string | null;
  /** When that revision was made: RFC 3339, UTC. */
  at: string | null;
}

/** An input that two locks do not hold alike. */
export interface LockChange {
  /** The name that the flake gives it; an input's own inputs are `home-manager/nixpkgs`. */
  input: string;
  /** Null where it is new. */
  before: LockedInput | null;
  /** Null where it is gone. */
  after: LockedInput | null;
  /** Days from one revision to the other; negative where it moves back, null where a date is missing. */
  days: number | null;
  /** Where a browser shows what lies between the two; null where that is not known. */
  link: string | null;
}

interface Node {
  inputs: Record<string, unknown>;
  locked: Record<string, unknown>;
  original: Record<string, unknown>;
}

/** An input, and what tells it from another of the same revision. */
interface Found extends LockedInput {
  hash: string;
  /** The address of its repository's page. */
  page: string | null;
}

/**
 * The inputs that differ between two texts of `flake.lock`, by name; a lock without nodes has no inputs.
 * @throws Error with one line where a text is no lock
 */
export function lockChanges(before: string, after: string): LockChange[] {
  const [old, now] = [inputsOf(before), inputsOf(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.flatMap((input) => {
    const [from, to] = [old.get(input), now.get(input)];
    const same = from?.hash === to?.hash && from?.revision === to?.revision && from?.source === to?.source;
    return same ? [] : [changeOf(input, from, to)];
  });
}

/** `nixpkgs 8eeec93 → 391b592, 36 days later`: one line. */
export function lockChangeLine({ input, before, after, days }: LockChange): string {
  if (before === null || after === null) {
    const there = before ?? after;
    return `${input} ${before === null ? "is new" : "is gone"}: ${there?.source ?? ""} ${inputText(there)}`.trimEnd();
  }
  const moved = before.source === after.source ? "" : ` (${before.source} → ${after.source})`;
  return `${input} ${inputText(before)} → ${inputText(after)}${daysText(days)}${moved}`;
}

/** The names of the inputs that a lock's flake has itself. @throws Error with one line where the text is no lock */
export function lockInputs(lock: string): string[] {
  return [...inputsOf(lock).keys()].filter((name) => !name.includes("/"));
}

function changeOf(input: string, from: Found | undefined, to: Found | undefined): LockChange {
  const days = daysBetween(from?.at ?? null, to?.at ?? null);
  return { input, before: shown(from), after: shown(to), days, link: linkOf(from, to) };
}

function shown(found: Found | undefined): LockedInput | null {
  return found === undefined ? null : { source: found.source, revision: found.revision, at: found.at };
}

function inputText(input: LockedInput | null): string {
  return input?.revision?.slice(0, 7) ?? input?.at?.slice(0, 10) ?? "";
}

function daysText(days: number | null): string {
  if (days === null || days === 0) return "";
  return `, ${Math.abs(days)} day${Math.abs(days) === 1 ? "" : "s"} ${days > 0 ? "later" : "earlier"}`;
}

function daysBetween(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);
}

function linkOf(from: Found | undefined, to: Found | undefined): string | null {
  if (!from?.revision || !to?.revision || to.page === null || from.page !== to.page) return null;
  const compare = new URL(to.page).host === "gitlab.com" ? "-/compare" : "compare";
  return `${to.page}/${compare}/${from.revision}...${to.revision}`;
}

/** Every locked input by its way from the root. What follows another input is that one, and not told of twice. */
function inputsOf(text: string): Map<string, Found> {
  const { root, nodes } = parse(text);
  const found = new Map<string, Found>();
  const visit = (name: string, path: string, above: readonly string[]) => {
    for (const [input, target] of Object.entries(nodes.get(name)?.inputs ?? {})) {
      const node = typeof target === "string" ? nodes.get(target) : undefined;
      // A lock that somebody made by hand may lead in a circle.
      if (typeof target !== "string" || node === undefined || above.includes(target)) continue;
      const here = path + plain(input);
      found.set(here, lockedInput(node));
      visit(target, `${here}/`, [...above, target]);
    }
  };
  visit(root, "", [root]);
  return found;
}

function lockedInput({ locked, original }: Node): Found {
  const text = (from: Record<string, unknown>, key: string) => (typeof from[key] === "string" ? plain(from[key]) : "");
  const [type, owner, repo] = [text(locked, "type"), text(locked, "owner"), text(locked, "repo")];
  const [revision, modified] = [text(locked, "rev"), locked["lastModified"]];
  const ref = text(original, "ref");
  const source = owner === "" ? text(locked, "url") || text(locked, "path") : `${owner}/${repo}`;
  const host = text(locked, "host") || ({ github: "github.com", gitlab: "gitlab.com" }[type] ?? "");
  return {
    source: `${type}:${source}${ref === "" ? "" : `/${ref}`}`,
    revision: /^[0-9a-f]{40,64}$/.test(revision) ? revision : null,
    at:
      typeof modified === "number" && modified > 0 && modified < 1e11 ? new Date(modified * 1000).toISOString() : null,
    hash: text(locked, "narHash"),
    page: /^[\w.-]+$/.test(host) && /^[\w.-]+\/[\w.-]+$/.test(source) ? `https://${host}/${source}` : null,
  };
}

function parse(text: string): { root: string; nodes: Map<string, Node> } {
  let lock: unknown;
  try {
    lock = JSON.parse(text);
  } catch {
    throw new Error("flake.lock is no JSON");
  }
  const { nodes = {}, root = "root" } = record(lock);
  if (lock !== record(lock) || nodes !== record(nodes) || typeof root !== "string")
    throw new Error("flake.lock is no lock: nodes and root are missing");
  const entries = Object.entries(record(nodes)).map(([name, node]): [string, Node] => {
    const { inputs, locked, original } = record(node);
    return [name, { inputs: record(inputs), locked: record(locked), original: record(original) }];
  });
  return { root, nodes: new Map(entries) };
}

/** The value where it is an object, otherwise an empty one. */
function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** Safe to print: a lock comes with a commit, and anybody may have written that. */
function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "");
}
