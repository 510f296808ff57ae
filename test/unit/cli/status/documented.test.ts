/** docs/operator.md describes the documents of `status --json` with the keys that they have. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import type { Branch } from "../../../../cli/status/branch";
import { buildStatus } from "../../../../cli/status/status";
import { contract } from "../../../../rules/contract";
import type { Report } from "../../../../rules/report";
import type { Hold } from "../../../../rules/rollout/control-item";
import { approval, decisions, good, old, other, report, reports, vm } from "../fleet-samples";

const page = readFileSync(resolve(__dirname, "../../../../docs/operator.md"), "utf8");

/** What the page says of a value: an object's keys, a list's elements, or only that there is one. */
type Described = { keys: Record<string, Described> } | { elements: Described } | { name: string };

/** Reads `NAME: { a, b?, c: [{ d }] }` from the page's indented lines; after two spaces follows a comment. */
function described(name: string): Described {
  const [, block = ""] = new RegExp(`^ {4}${name}: (.*(?:\n {5,}.*)*)`, "m").exec(page) ?? [];
  const code = block.split("\n").map((line) => line.trim().replace(/ {2,}.*$/, ""));
  const tokens = code.join(" ").match(/[A-Za-z]+\??|[{}[\]:,]/g) ?? [];
  const next = () => tokens.shift() ?? expect.unreachable(`${name} ends too early`);
  const value = (): Described => {
    const token = next();
    if (token === "[") {
      const elements = value();
      expect(next()).toBe("]");
      return { elements };
    }
    if (token !== "{") return { name: token };
    const keys: Record<string, Described> = {};
    do {
      const key = next();
      if (tokens[0] === ":") next();
      keys[key] = /[,}]/.test(tokens[0] ?? "") ? { name: key } : value();
    } while (next() === ",");
    return { keys };
  };
  return value();
}

/** The keys of these values as the page would describe them. A key that stands for many, such as USER, is in capitals there. */
function compare(say: Described, values: readonly unknown[], path: string): void {
  const given = values.filter((value) => value !== null && value !== undefined);
  expect(given, `${path} has a sample`).not.toEqual([]);
  if ("name" in say) {
    if (/^[A-Z]+$/.test(say.name) && page.includes(`\n    ${say.name}: {`)) compare(described(say.name), given, path);
    else for (const value of given) expect(typeof value, path).not.toBe("object");
    return;
  }
  if ("elements" in say) {
    compare(say.elements, given.flat(), `${path}[]`);
    return;
  }
  const objects = given as Record<string, unknown>[];
  const names = Object.keys(say.keys).map((key) => key.replace("?", ""));
  if (names.every((key) => /^[A-Z]+$/.test(key))) {
    for (const inner of Object.values(say.keys)) compare(inner, objects.flatMap(Object.values), `${path}.*`);
    return;
  }
  expect([...new Set(objects.flatMap(Object.keys))].sort(), path).toEqual(names.toSorted());
  for (const [key, inner] of Object.entries(say.keys)) {
    const field = key.replace("?", "");
    if (!key.endsWith("?")) for (const object of objects) expect(object, path).toHaveProperty(field);
    compare(
      inner,
      objects.map((object) => object[field]),
      `${path}.${field}`,
    );
  }
}

const at = "2026-01-01T12:00:00Z";

/** A report with every field; the compiler misses a new one here. */
const whole: Required<Report> = {
  ...report({ outcome: "failed" }),
  approved: good,
  lockMatches: true,
  stage: "build",
  error: "no such package",
  transient: true,
  activation: "live",
  pending: { revision: other, toplevel: "/nix/store/y-nixos" },
  waiting: { for: "window", until: at },
  failing: { tries: 3, since: at, nextTry: at },
  progress: { stage: "build", since: at },
};
const held: Required<Hold> = { scope: "vm:dev-3", revision: good, by: "eve@desk", why: "demo", at };

const branch: Branch = {
  ...{ repository: "https://x/y", branch: "main", subdirectory: "nixos", head: other, problem: null },
  parents: new Map([
    [other, [good]],
    [good, []],
  ]),
  dates: new Map([[good, at]]),
};

test("the document of status has the keys that the page lists", () => {
  const source = { repository: "https://x/y", branch: "main", subdirectory: "nixos" };
  const said = decisions(
    { rest: good },
    {
      holds: [held],
      pins: { "dev-3": old },
      instead: { rest: { [other]: "previous" } },
      retry: [old],
    },
  );
  const status = buildStatus(
    { fleet: "devs", stack: "dev" },
    [
      vm("dev-1", { owner: "alice@example.org", source, startedAt: "2026-01-01T08:00:00Z" }),
      vm("dev-2", { source, homes: [{ user: "bob", attribute: "bob" }] }),
      vm("dev-4", { source }),
      vm("dev-3", { state: "TERMINATED", stoppedAt: "2025-12-01T12:00:00Z" }),
    ],
    {
      ...said,
      approvals: { rest: { ...approval(good), urgent: true, why: "CVE" } },
      problems: ["x"],
      unknown: ["y"],
    },
    new Map([
      ["dev-1", reports({ kind: "report", report: report() })],
      ["dev-2", reports({ kind: "report", report: whole }, { bob: { kind: "report", report: whole } })],
    ]),
    new Date(at),
    [branch, { ...branch, branch: "next", head: null, problem: "does not answer" }],
  );
  compare(described("STATUS"), [status], "status");
});

test("a report has the keys of the contract, and the same ones may be absent", () => {
  const say = described("REPORT");
  const { fields, fieldsOfVersion2 } = contract.report;
  const types = Object.entries({ ...fields, ...fieldsOfVersion2 });
  const written = types.map(([key, type]) => (type.endsWith("?") ? `${key}?` : key));
  expect("keys" in say && Object.keys(say.keys).sort()).toEqual(written.sort());
});
