import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { lockChangeLine, lockChanges, lockInputs } from "../../../../rules/lock/flake-lock";
import { lockProblem } from "../../../../rules/lock/flake-lock-file";

interface Locked {
  [field: string]: unknown;
  rev: string;
  lastModified: number;
}
interface Lock {
  nodes: Record<string, { inputs?: Record<string, string | string[]>; locked?: Locked; original?: object }>;
  root: string;
  version: number;
}

const text = readFileSync(resolve(__dirname, "../../../../examples/config-repo/flake.lock"), "utf8");
const stableHash = "sha256-lDebytrYdd47IBLwvNOD+6AGeoqZ78CIKlp70hzW280=";
const unstable = { rev: "391b592eb44808b3bd0cb80bb71b63a5a118b8bb", lastModified: 1787209939, narHash: "sha256-WvvH" };
const stable = "8eeec934ae0dbeca3d7868c059568a65c08b2fc3";

/** The example's lock, changed. */
function changed(edit: (lock: Lock) => void): string {
  const lock = JSON.parse(text) as Lock;
  edit(lock);
  return JSON.stringify(lock);
}

/** With this input's lock changed. */
const moved = (input: string, locked: object) =>
  changed(({ nodes }) => {
    Object.assign(nodes[input]?.locked ?? {}, locked);
  });

describe("the inputs that a lock moves", () => {
  it("have revisions, dates, days and the page that shows what lies between", () => {
    const [change, ...more] = lockChanges(text, moved("nixpkgs", unstable));
    expect(more).toEqual([]);
    expect(change).toEqual({
      input: "nixpkgs",
      before: {
        source: "github:NixOS/nixpkgs/nixos-26.05",
        revision: stable,
        at: "2026-07-14T06:43:50.000Z",
        hash: stableHash,
        follows: null,
      },
      after: {
        source: "github:NixOS/nixpkgs/nixos-26.05",
        revision: unstable.rev,
        at: "2026-08-20T07:12:19.000Z",
        hash: unstable.narHash,
        follows: null,
      },
      days: 37,
      link: `https://github.com/NixOS/nixpkgs/compare/${stable}...${unstable.rev}`,
      notes: [],
    });
    expect(change && lockChangeLine(change)).toBe("nixpkgs 8eeec93 → 391b592, 37 days later");
  });

  it("may move back, and a day is a day", () => {
    const [change] = lockChanges(moved("nixpkgs", unstable), text);
    expect(change && lockChangeLine(change)).toBe("nixpkgs 391b592 → 8eeec93, 37 days earlier");
    const [next] = lockChanges(text, moved("nixpkgs", { rev: unstable.rev, lastModified: 1784011430 + 86_400 }));
    expect(next && lockChangeLine(next)).toBe("nixpkgs 8eeec93 → 391b592, 1 day later");
  });

  it("include those of inputs", () => {
    const grown = changed(({ nodes }) => {
      const own = structuredClone(nodes["nixpkgs"]);
      nodes["nixpkgs_2"] = { ...own, locked: { ...own?.locked, ...unstable } };
      nodes["home-manager"] = { ...nodes["home-manager"], inputs: { nixpkgs: "nixpkgs_2" } };
    });
    expect(lockChanges(text, grown).map(lockChangeLine)).toEqual([
      "home-manager/nixpkgs 8eeec93 → 391b592, 37 days later (no longer follows nixpkgs)",
    ]);
    expect(lockChanges(grown, text).map(lockChangeLine)).toEqual([
      "home-manager/nixpkgs 391b592 → 8eeec93, 37 days earlier (follows nixpkgs now)",
    ]);
  });

  it("show another branch or repository, without a page where there is none", () => {
    const renamed = changed(({ nodes }) => {
      Object.assign(nodes["nixpkgs"]?.locked ?? {}, { ...unstable, owner: "acme" });
      Object.assign(nodes["nixpkgs"]?.original ?? {}, { owner: "acme", ref: "ours" });
    });
    const [change] = lockChanges(text, renamed);
    expect(change?.link).toBeNull();
    expect(change && lockChangeLine(change)).toBe(
      "nixpkgs 8eeec93 → 391b592, 37 days later (github:NixOS/nixpkgs/nixos-26.05 → github:acme/nixpkgs/ours)",
    );
  });
});

test.each([
  ["gitlab", { type: "gitlab", owner: "a", repo: "b" }, "https://gitlab.com/a/b/-/compare/"],
  [
    "a self-hosted GitLab's subgroup",
    { type: "gitlab", host: "git.example.com", owner: "a%2Fb", repo: "c" },
    "https://git.example.com/a/b/c/-/compare/",
  ],
  [
    "a self-hosted GitHub",
    { type: "github", host: "git.example.com", owner: "a", repo: "b" },
    "https://git.example.com/a/b/compare/",
  ],
  ["git", { type: "git", url: "https://git.example.com/x.git" }, null],
])("a page of %s", (_, locked, page) => {
  const lockOf = (rev: string) =>
    JSON.stringify({ root: "root", nodes: { root: { inputs: { x: "x" } }, x: { locked: { ...locked, rev } } } });
  const [change] = lockChanges(lockOf("a".repeat(40)), lockOf("b".repeat(40)));
  expect(change?.link).toBe(page === null ? null : `${page}${"a".repeat(40)}...${"b".repeat(40)}`);
});

test("an input without a revision differs by its hash, and shows its date", () => {
  const lockOf = (narHash: string, lastModified: number) =>
    JSON.stringify({
      root: "root",
      nodes: { root: { inputs: { x: "x" } }, x: { locked: { type: "path", path: "/srv/x", narHash, lastModified } } },
    });
  expect(lockChanges(lockOf("a", 1784011430), lockOf("b", 1784111430)).map(lockChangeLine)).toEqual([
    "x 2026-07-14 → 2026-07-15, 1 day later",
  ]);
});

describe("small pairs of locks, each for a kind of change that real histories hold", () => {
  interface Case {
    name: string;
    before: object;
    after: object | string;
  }
  const cases = JSON.parse(readFileSync(resolve(__dirname, "../../../fixtures/locks.json"), "utf8")) as Case[];
  const messages: Record<string, string> = {
    "input of type file": "db sha256-AAAAAAAAAA → sha256-BBBBBBBBBB",
    "follows points elsewhere": "nixpkgs 3333333 → 4444444 (follows b/nixpkgs now, no longer a/nixpkgs)",
    "own node becomes follows": "nixpkgs 5555555 → 3333333 (follows a/nixpkgs now)",
    "dir changes": "a: dir x → y (still 1111111)",
    "hash alone changes": `a: WARNING: same revision, but another content hash sha256-${"A".repeat(43)}= → sha256-${"B".repeat(43)}= (still 1111111)`,
    "submodules alone change": "a: submodules are fetched now (still 1111111)",
    "self-hosted gitlab": "a 1111111 → 2222222",
    "lock version 5": "a 1111111 → 2222222, 10 days later",
  };
  const text = (lock: object | string) => (typeof lock === "string" ? lock : JSON.stringify(lock));

  it("are all covered", () => {
    expect([...Object.keys(messages), "conflict markers"].sort()).toEqual(cases.map(({ name }) => name).sort());
  });

  it.each(Object.entries(messages))("%s", (name, line) => {
    const found = cases.find((one) => one.name === name);
    const changes = lockChanges(text(found?.before ?? {}), text(found?.after ?? {}));
    expect(changes.map(lockChangeLine)).toEqual([line]);
    const link = `https://git.example.com/g/r/-/compare/${"1".repeat(40)}...${"2".repeat(40)}`;
    if (name === "self-hosted gitlab") expect(changes[0]?.link).toBe(link);
  });

  it("conflict markers", () => {
    const after = text(cases.find(({ name }) => name === "conflict markers")?.after ?? {});
    expect(lockProblem(after)).toBe("flake.lock is not JSON (conflict markers at line 2)");
  });
});

test("an input that follows another one is listed where it is new or gone at the top, and may follow the flake itself", () => {
  const lockOf = (inputs: object) =>
    JSON.stringify({
      root: "root",
      nodes: { root: { inputs }, a: { locked: { type: "path", path: "/a", narHash: "x" } } },
    });
  expect(lockChanges(lockOf({ a: "a" }), lockOf({ a: "a", b: ["a"], c: [] })).map(lockChangeLine)).toEqual([
    "b is new: path:/a x follows a",
    "c is new: (not locked) follows the flake itself",
  ]);
  const circle = { a: "a", b: ["c"], c: ["b"] };
  expect(lockChanges(lockOf({ a: "a" }), lockOf(circle)).map(({ input }) => input)).toEqual(["b", "c"]);
});

test("the names of a flake's own inputs", () => {
  expect(lockInputs(text)).toEqual(["home-manager", "nixpkgs"]);
});

test.each(["", "[]", "null", '"x"', '{"nodes":[]}', '{"root":{},"nodes":{}}'])("%j is refused as no lock", (wrong) => {
  expect(() => lockChanges(wrong, text)).toThrow(/^flake\.lock is not/);
  expect(() => lockChanges(text, wrong)).toThrow(/^flake\.lock is not/);
});

test("a lock without nodes has no inputs; one that leads in a circle ends", () => {
  expect(lockChanges("{}", text).map(({ input }) => input)).toEqual(["home-manager", "nixpkgs"]);
  const circle = { root: "root", nodes: { root: { inputs: { a: "a" } }, a: { inputs: { a: "a", root: "root" } } } };
  expect(lockInputs(JSON.stringify(circle))).toEqual(["a"]);
});

test("whatever a lock says, its lines are printable, and equal locks have no changes", () => {
  const node = fc.record(
    { inputs: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.array(fc.string()))), locked: fc.object() },
    { requiredKeys: [] },
  );
  const lock = fc
    .dictionary(fc.string(), node)
    .map((nodes) =>
      JSON.stringify({ root: "root", nodes: { ...nodes, root: { inputs: { "x\u001b[2J": "x" } }, x: {} } }),
    );
  fc.assert(
    fc.property(lock, (one) => {
      expect(lockChanges(one, one)).toEqual([]);
      for (const change of lockChanges("{}", one)) expect(lockChangeLine(change)).toMatch(/^[\x20-\x7e→]*$/);
    }),
  );
});
