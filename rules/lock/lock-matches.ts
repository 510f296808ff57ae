/** Whether a home's own flake.lock locks the same nixpkgs and home-manager as the machine's. */
import { isObject, own, parseObject, type JsonObject } from "../text/json";

/** @param texts of two flake.locks; absent if there is none */
export function locksMatch(one: string | undefined, other: string | undefined): boolean {
  const [first, second] = [one, other].map((text) => (text === undefined ? undefined : parseObject(text)));
  if (first === undefined || second === undefined) return false;
  return ["nixpkgs", "home-manager"].every((name) => {
    const [here, there] = [lockedHash(first, name), lockedHash(second, name)];
    return here === there;
  });
}

/** The narHash of an input of the root; `undefined` if there is no such input. */
function lockedHash(lock: JsonObject, name: string): unknown {
  const nodes = own(lock, "nodes");
  const root = own(lock, "root");
  if (!isObject(nodes) || typeof root !== "string") return undefined;
  const node = follow(nodes, root, [name]);
  const locked = node === undefined ? undefined : own(nodes[node] as JsonObject, "locked");
  return isObject(locked) ? own(locked, "narHash") : undefined;
}

/** The node that a path of inputs leads to, through inputs that follow others. */
function follow(nodes: JsonObject, root: string, path: readonly string[], depth = 0): string | undefined {
  let name: string | undefined = root;
  for (const step of path) {
    const node: unknown = name === undefined ? undefined : own(nodes, name);
    const inputs = isObject(node) ? own(node, "inputs") : undefined;
    const input: unknown = isObject(inputs) ? own(inputs, step) : undefined;
    if (typeof input === "string") name = input;
    // A lock whose inputs follow each other in a circle has no such node.
    else if (Array.isArray(input) && depth < 20) name = follow(nodes, root, input.map(String), depth + 1);
    else return undefined;
  }
  return name !== undefined && isObject(own(nodes, name)) ? name : undefined;
}
