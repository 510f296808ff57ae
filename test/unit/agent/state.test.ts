/** What the agents write down and tell: state, reports, errors, and what the watcher looks at. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contract } from "../../../rules/contract";
import { parseReport } from "../../../rules/report";
import { Bench } from "./bash";
import { A, approve, B, C, control, runAll } from "./decide-cases";

const functions = { state: "new_state", report: "report", watch: "concern" };
const one = (file: keyof typeof functions, input: object) =>
  runAll(file, functions[file], [input])[0] as Record<string, unknown>;

const result = {
  outcome: "updated",
  toplevel: "/nix/store/new",
  rolledBack: false,
  rebootRequired: false,
  at: "2026-01-01T00:00:00Z",
  bootedAt: "2026-01-01T00:00:00Z",
  agent: "0",
};
const next = (state: object | null, changes: object) =>
  one("state", { state, errorBytes: 100, result: { ...result, ...changes } });

describe("the state after a run", () => {
  it("is a report with what the agent remembers", () => {
    const state = next(null, { revision: A, lock: "l", approved: A });
    expect(state).toMatchObject({ revision: A, approved: A, lock: "l", deployed: "/nix/store/new", refused: [] });
    expect(parseReport(JSON.stringify(one("report", { state })))).toMatchObject({
      ok: true,
      value: { revision: A, outcome: "updated" },
    });
  });

  it("remembers what ran before", () => {
    const first = next(null, { revision: A, lock: "l" });
    const second = next(first, { revision: B, lock: "m" });
    expect(first["previous"]).toBeUndefined();
    expect(second["previous"]).toBe(A);
    expect(next(second, { revision: B, lock: "m", outcome: "unchanged" })["previous"]).toBe(A);
  });

  it("keeps what is deployed when an update fails, and refuses what failed", () => {
    const state = next(next(null, { revision: A, lock: "l" }), {
      outcome: "failed",
      stage: "build",
      error: "boom",
      refuse: B,
      approved: B,
      toplevel: "/nix/store/new",
    });
    expect(state).toMatchObject({
      revision: A,
      lock: "l",
      approved: B,
      outcome: "failed",
      stage: "build",
      error: "boom",
    });
    expect(state["refused"]).toEqual([
      { revision: B, stage: "build", error: "boom", rolledBack: false, at: result.at },
    ]);
  });

  it("keeps what was deployed apart from what happens to run", () => {
    const state = next(next(null, { revision: A, lock: "l", repository: "git://x/a" }), {
      outcome: "held",
      toplevel: "/nix/store/by-hand",
    });
    expect(state).toMatchObject({
      toplevel: "/nix/store/by-hand",
      deployed: "/nix/store/new",
      repository: "git://x/a",
    });
  });

  it("forgives what is deployed, and remembers twenty", () => {
    const refused = [B, ...Array.from({ length: 20 }, (_, n) => String(n))].map((revision) => ({ revision }));
    expect(next({ revision: A, refused }, { revision: B })["refused"]).toHaveLength(20);
    expect(next({ revision: A, refused: refused.slice(1) }, { refuse: C, stage: "build" })["refused"]).toHaveLength(20);
  });

  it("drops the failure of the run before", () => {
    const failed = next(null, { outcome: "failed", stage: "fetch", error: "x" });
    const state = next(failed, { revision: A, lock: "l" });
    expect(state["stage"]).toBeUndefined();
    expect(state["error"]).toBeUndefined();
  });

  it("has an error of bounded length, its end, without control characters", () => {
    const { error } = next(null, { outcome: "failed", error: `\u001b[31m${"ä".repeat(200)}\u001b[0m\u0007end\n` });
    expect(Buffer.byteLength(error as string)).toBeLessThanOrEqual(100);
    expect(error).toMatch(/^ä+end$/);
  });
});

describe("a report", () => {
  const state = { ...result, revision: A, lock: "l" };
  const report = (changes: object) => one("report", { state: { ...state, ...changes } });

  it("has the contract's fields and no others", () => {
    expect(Object.keys(report({ refused: [], previous: B, secret: "x" }))).toEqual(
      Object.keys(contract.report.fields).filter((field) => field in state),
    );
  });

  it.each([
    ["another outcome", { outcome: "fine" }],
    ["another stage", { stage: "lunch" }],
    ["a number for a revision", { revision: 7 }],
    ["a text for a boolean", { rolledBack: "no" }],
    ["a field missing", { at: null }],
    ["a list for a text", { error: ["x"] }],
  ])("is none with %s", (_name, changes) => {
    expect(report(changes)).toBeNull();
  });

  it("is of bounded length whatever a user writes", () => {
    const written = report({ error: "x".repeat(100_000), toplevel: "y".repeat(100_000), agent: "a\nb\u001b[2J" });
    expect(JSON.stringify(written).length).toBeLessThan(4000);
    expect(written["agent"]).toBe("a b");
    expect(parseReport(JSON.stringify(written)).ok).toBe(true);
  });

  it.each(["null", "[]", '"x"', "7"])("is none for %s", (text) => {
    expect(one("report", { state: JSON.parse(text) as object })).toBeNull();
  });
});

describe("the error of a failed build", () => {
  const failure = (text: string) =>
    execFileSync("jq", ["-Rrs", "-L", agent, "-f", join(agent, "failure.jq")], {
      input: text,
      encoding: "utf8",
    }).trimEnd();
  const agent = join(__dirname, "../../../nix/agent");

  it("ends with the builder's last line", () => {
    const text = `these 2 derivations will be built:
  /nix/store/x.drv
building '/nix/store/x.drv'...
error: builder for '/nix/store/x.drv' failed with exit code 3;
       last 2 log lines:
       > one
       > boom
       For full logs, run:
         nix log /nix/store/x.drv
error: 1 dependencies of derivation '/nix/store/y.drv' failed to build
`;
    expect(failure(text)).toBe(`error: builder for '/nix/store/x.drv' failed with exit code 3;
       last 2 log lines:
       > one
       > boom`);
  });

  it("ends with what an evaluation complained of", () => {
    const text =
      "error:\n       … while evaluating\n       error: attribute 'x' missing\n       at /nix/store/f.nix:1:2:\n            1| x\n";
    expect(failure(text).split("\n").at(-1)).toBe("       error: attribute 'x' missing");
  });

  it("is short", () => {
    expect(failure("line\n".repeat(1000)).split("\n")).toHaveLength(25);
  });
});

describe("the watcher", () => {
  const instance = JSON.stringify({ fleet: "devs", stack: "dev", wave: "rest" });
  const seen = (attributes: object) => one("watch", { vm: "dev-alice", instance, attributes });
  const before = seen(approve({ rest: A }));

  it.each([
    ["its approval", approve({ rest: B })],
    ["its approval's going", {}],
    ["a hold on it", { ...approve({ rest: A }), ...control({ holds: [{ scope: "wave:rest" }] }) }],
    ["its pin", { ...approve({ rest: A }), ...control({ pins: { "dev-alice": B } }) }],
    ["an undo in its wave", { ...approve({ rest: A }), ...control({ instead: { rest: { [A]: B } } }) }],
    ["a retry", { ...approve({ rest: A }), ...control({ retry: [A] }) }],
    ["a control item that cannot be read", { ...approve({ rest: A }), ...control("{") }],
  ])("sees %s", (_, attributes) => {
    expect(seen(attributes)).not.toEqual(before);
  });

  it("sees that it is in another wave, whose approval is the same", () => {
    const both = approve({ rest: A, canary: A });
    const moved = JSON.stringify({ fleet: "devs", stack: "dev", wave: "canary" });
    expect(one("watch", { vm: "dev-alice", instance: moved, attributes: both })).not.toEqual(seen(both));
  });

  it.each([
    ["another wave's approval", approve({ rest: A, canary: B })],
    ["a hold on another machine", { ...approve({ rest: A }), ...control({ holds: [{ scope: "vm:dev-bob" }] }) }],
    ["a hold that lapsed", { ...approve({ rest: A }), ...control({ holds: [{ scope: "wave:rest", revision: B }] }) }],
    ["another machine's pin", { ...approve({ rest: A }), ...control({ pins: { "dev-bob": B } }) }],
    ["an undo in another wave", { ...approve({ rest: A }), ...control({ instead: { canary: { [A]: B } } }) }],
    ["other metadata", { ...approve({ rest: A }), "ssh-keys": "x" }],
  ])("does not act on %s", (_, attributes) => {
    expect(seen(attributes)).toEqual(before);
  });
});

describe("files", () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => {
    bench.remove();
  });

  it("are written whole, for everybody to read", () => {
    const { status } = bench.run(["log", "files"], 'write_file "$state_dir/f" hello; stat -c %a "$state_dir/f"');
    expect(status).toBe(0);
    expect(readFileSync(bench.path("state/f"), "utf8")).toBe("hello\n");
    expect(readdirSync(bench.path("state"))).toEqual(["f"]);
  });

  it("stay as they were when the new one cannot be written", () => {
    writeFileSync(bench.path("state/f"), "old");
    // As a disk that is full refuses.
    const noRoom = `trap "" XFSZ; ulimit -f 0; write_file "$state_dir/f" new`;
    expect(bench.run(["log", "files"], noRoom).status).not.toBe(0);
    expect(readFileSync(bench.path("state/f"), "utf8")).toBe("old");
  });

  it.each([
    ["half", '{"revision":"aa'],
    ["nothing", ""],
    ["something else", "[1]"],
  ])("with %s in them are none", (_, text) => {
    writeFileSync(bench.path("state/state.json"), text);
    const { stdout, stderr } = bench.run(["log", "files"], 'read_json "$state_dir/state.json"');
    expect(stdout).toBe("{}\n");
    expect(stderr).toContain("is not readable");
  });
});

describe("the lock of a home's own repository", () => {
  const lockFile = (nixpkgs: string, homeManager: string, inputs: object = { nixpkgs: "n", "home-manager": "hm" }) => ({
    root: "root",
    nodes: {
      root: { inputs },
      n: { locked: { narHash: nixpkgs } },
      hm: { inputs: { nixpkgs: ["nixpkgs"] }, locked: { narHash: homeManager } },
      other: { inputs: { nixpkgs: "n" } },
    },
  });
  const matches = (...locks: object[]) =>
    execFileSync("jq", ["-s", "-f", join(__dirname, "../../../nix/agent/lock-matches.jq")], {
      input: locks.map((lock) => JSON.stringify(lock)).join("\n"),
      encoding: "utf8",
    }).trim();

  it.each([
    ["the same", [lockFile("a", "b"), lockFile("a", "b")], "true"],
    ["another nixpkgs", [lockFile("x", "b"), lockFile("a", "b")], "false"],
    ["another home-manager", [lockFile("a", "x"), lockFile("a", "b")], "false"],
    [
      "one that follows another input",
      [lockFile("a", "b", { nixpkgs: ["other", "nixpkgs"], other: "other", "home-manager": "hm" }), lockFile("a", "b")],
      "true",
    ],
    ["no home-manager", [lockFile("a", "b", { nixpkgs: "n" }), lockFile("a", "b")], "false"],
    ["no lock", [lockFile("a", "b")], "false"],
  ])("%s", (_, locks, wanted) => {
    expect(matches(...locks)).toBe(wanted);
  });
});
