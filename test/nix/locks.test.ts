import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

interface Locked {
  type: string;
  owner: string;
  repo: string;
  rev?: string;
  narHash?: string;
  ref?: string;
}

interface Lock {
  root: string;
  version: number;
  nodes: Record<string, { inputs?: Record<string, string | string[]>; locked?: Locked; original?: Locked }>;
}

/** The inputs of a flake that it names itself, as `flake.nix` writes them: name → `github:owner/repo/ref`. */
function inputsOf(folder: string): Map<string, string> {
  const text = readFileSync(join(folder, "flake.nix"), "utf8");
  const found = text.matchAll(/^ {4}([a-z-]+)(?:\.url| = \{\n\s*url) = "([^"]+)";/gm);
  return new Map([...found].map(([, name = "", url = ""]) => [name, url]));
}

function lockOf(folder: string): Lock {
  return JSON.parse(readFileSync(join(folder, "flake.lock"), "utf8")) as Lock;
}

const url = (original: Locked): string =>
  [`${original.type}:${original.owner}`, original.repo, original.ref].filter(Boolean).join("/");

describe("flake.lock", () => {
  // The lock of the example has no entry for nixos-fleet: those who start from the example add it.
  it.each([
    [".", ["home-manager", "nixpkgs"]],
    ["local/config-repo", ["home-manager", "nixpkgs"]],
    ["examples/config-repo", ["home-manager", "nixpkgs"]],
  ])("of %s locks what its flake.nix names", (folder, locked) => {
    const inputs = inputsOf(folder);
    const { nodes, root, version } = lockOf(folder);
    expect(version).toBe(7);
    expect(Object.keys(nodes[root]?.inputs ?? {})).toEqual(locked);
    for (const name of locked) {
      const node = nodes[name];
      if (!node?.original || !node.locked) throw new Error(`${name} is not locked`);
      expect(url(node.original)).toBe(inputs.get(name));
      expect(node.locked).toMatchObject({ owner: node.original.owner, repo: node.original.repo });
      expect(node.locked.rev).toMatch(/^[0-9a-f]{40}$/);
      expect(node.locked.narHash).toMatch(/^sha256-[A-Za-z0-9+/]{43}=$/);
    }
    expect(nodes["home-manager"]?.inputs).toEqual({ nixpkgs: ["nixpkgs"] });
  });
});
