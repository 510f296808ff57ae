/** Reads the text of a `flake.lock`, versions 5 to 7: its inputs by their path from the flake. Pure. */

/** An input with everything that can distinguish it from another one. */
export interface LockInput {
  /** As a flake reference, such as `github:NixOS/nixpkgs/nixos-26.05`. */
  source: string;
  /** Full git revision. */
  revision: string | null;
  /** RFC 3339, UTC. */
  at: string | null;
  hash: string | null;
  /** The path, from the flake, of the input that it follows; null if it has a lock of its own. */
  follows: string | null;
  /** The folder that contains the input's flake; empty if that is its top. */
  dir: string;
  submodules: boolean;
  lfs: boolean;
  /** The address of its repository's page. */
  page: string | null;
  /** The path that follows that address on a page that compares two revisions. */
  compare: "compare" | "-/compare";
}

interface Node {
  inputs: Record<string, unknown>;
  locked: Record<string, unknown>;
  original: Record<string, unknown>;
  /** Versions before 7 keep date and hash here. */
  info: Record<string, unknown>;
}

type Nodes = ReadonlyMap<string, Node>;

/** The default hosts of flake references without a host. */
const hosts: Record<string, string> = { github: "github.com", gitlab: "gitlab.com" };

/**
 * Every input by its path from the flake, such as `home-manager/nixpkgs`. An input that follows another one is listed once; its own inputs
 * are listed at the other one.
 * @throws Error with one line if the text is not a lock
 */
export function readLock(text: string): Map<string, LockInput> {
  const { root, nodes } = parse(text);
  const found = new Map<string, LockInput>();
  const visit = (name: string, path: string, above: readonly string[]) => {
    for (const [input, target] of Object.entries(nodes.get(name)?.inputs ?? {})) {
      const here = path + printable(input);
      if (Array.isArray(target)) {
        const node = nodes.get(resolveFollows(target, root, nodes) ?? "");
        const follows = target.map((part) => printable(String(part))).join("/") || "the flake itself";
        found.set(here, { ...readNode(node ?? emptyNode), follows });
        continue;
      }
      const node = typeof target === "string" ? nodes.get(target) : undefined;
      // A lock that was edited by hand may contain a circle.
      if (typeof target !== "string" || node === undefined || above.includes(target)) continue;
      found.set(here, readNode(node));
      visit(target, `${here}/`, [...above, target]);
    }
  };
  visit(root, "", [root]);
  return found;
}

/** Why a text is not a lock that a VM could build from; undefined if it is one. */
export function lockProblem(text: string): string | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const emptyNode: Node = { inputs: {}, locked: {}, original: {}, info: {} };

/** The node at a path of input names from the root; the path may itself lead through inputs that follow others. */
function resolveFollows(path: readonly unknown[], root: string, nodes: Nodes, depth = 0): string | undefined {
  let name: string | undefined = root;
  for (const part of path) {
    const target: unknown = nodes.get(name)?.inputs[String(part)];
    name = Array.isArray(target)
      ? depth > 20
        ? undefined
        : resolveFollows(target, root, nodes, depth + 1)
      : typeof target === "string"
        ? target
        : undefined;
    if (name === undefined) return undefined;
  }
  return name;
}

function readNode({ locked, original, info }: Node): LockInput {
  const [type, revision] = [textOf(locked, "type"), textOf(locked, "rev")];
  const modified = locked["lastModified"] ?? info["lastModified"];
  const ref = textOf(original, "ref");
  const address = addressOf(locked, original);
  const host = textOf(locked, "host") || (hosts[type] ?? "");
  const hash = textOf(locked, "narHash") || textOf(info, "narHash");
  return {
    source: type === "" ? "(not locked)" : `${type}:${address}${ref === "" ? "" : `/${ref}`}`,
    revision: /^[0-9a-f]{40,64}$/.test(revision) ? revision : null,
    at:
      typeof modified === "number" && modified > 0 && modified < 1e11 ? new Date(modified * 1000).toISOString() : null,
    hash: hash === "" ? null : hash,
    follows: null,
    dir: textOf(locked, "dir"),
    submodules: locked["submodules"] === true,
    lfs: locked["lfs"] === true,
    page: /^[\w.-]+$/.test(host) && /^[\w.-]+(\/[\w.-]+)+$/.test(address) ? `https://${host}/${address}` : null,
    compare: type === "gitlab" ? "-/compare" : "compare",
  };
}

/** `owner/repo`, or the URL or path. As the flake wrote it: the locked address of a channel changes with each revision. */
function addressOf(locked: Record<string, unknown>, original: Record<string, unknown>): string {
  const owner = textOf(locked, "owner");
  // GitLab's subgroups are one owner, with an encoded slash.
  if (owner !== "") return `${owner.replace(/%2f/gi, "/")}/${textOf(locked, "repo")}`;
  return textOf(original, "url") || textOf(locked, "url") || textOf(locked, "path");
}

function parse(text: string): { root: string; nodes: Nodes } {
  let lock: unknown;
  try {
    lock = JSON.parse(text);
  } catch {
    const conflict = text.split("\n").findIndex((line) => /^(<{7}|={7}|>{7})( |$)/.test(line));
    throw new Error(`flake.lock is not JSON${conflict < 0 ? "" : ` (conflict markers at line ${conflict + 1})`}`);
  }
  const { nodes = {}, root = "root" } = record(lock);
  if (lock !== record(lock) || nodes !== record(nodes) || typeof root !== "string")
    throw new Error("flake.lock is not a lock: nodes and root are missing");
  const entries = Object.entries(record(nodes)).map(([name, node]): [string, Node] => {
    const { inputs, locked, original, info } = record(node);
    return [name, { inputs: record(inputs), locked: record(locked), original: record(original), info: record(info) }];
  });
  return { root, nodes: new Map(entries) };
}

function textOf(from: Record<string, unknown>, key: string): string {
  const value = from[key];
  return typeof value === "string" ? printable(value) : "";
}

/** The value if it is an object, otherwise an empty one. */
function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** Makes a text safe to print: a lock comes with a commit, which anyone may have written. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "");
}
