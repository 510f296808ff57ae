/** `fleet diff` with a real git; nix is played. test/nix has the real one. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import { approvalKey, controlKey } from "../../../../rules/contract";
import { groupClosures, planMoves, type FleetDiff } from "../../../../cli/repository/diff";
import { buildStatus } from "../../../../cli/status/status";
import { environmentOf, FakeCompute } from "../google/fake-compute";
import { approval, decisions, good, old, other, reading, report, reports, silent, vm } from "../fleet-samples";
import { identity, runFleet } from "../run-fleet";

describe("who would move where", () => {
  const vms = [vm("a"), vm("b"), vm("c"), vm("d", { wave: "new" }), vm("e"), vm("f", { wave: "undone" })];
  const said = new Map(vms.map(({ name }) => [name, reports(reading({ revision: old }))]));
  said.set("b", reports(reading()));
  said.set("c", reports(silent));
  said.set("e", reports(reading({ revision: other })));
  const approved = decisions({ rest: good, undone: good }, { instead: { undone: { [good]: "previous" } } });
  const status = buildStatus({ fleet: "devs", stack: "dev" }, vms, approved, said, new Date());

  it("is by what is wanted of each, those alike together", () => {
    expect(planMoves(status)).toEqual({
      moves: [
        { from: old, to: good, vms: ["a"] },
        { from: other, to: good, vms: ["e"] },
      ],
      same: ["b"],
      left: {
        c: "has not reported what it runs",
        d: "its wave is not approved yet",
        f: "goes back to what it ran before, which it alone knows",
      },
    });
  });

  it("is by one revision for all where one is named", () => {
    expect(planMoves(status, other)).toEqual({
      moves: [
        { from: old, to: other, vms: ["a", "d", "f"] },
        { from: good, to: other, vms: ["b"] },
      ],
      same: ["e"],
      left: { c: "has not reported what it runs" },
    });
  });
});

test("VMs whose closures differ alike are shown together", () => {
  const found = new Map<string, string[] | Error>([
    ["a", ["x: 1 → 2"]],
    ["b", new Error("no\nsuch host")],
    ["c", ["x: 1 → 2"]],
    ["d", []],
  ]);
  expect(groupClosures(found)).toEqual([
    { vms: ["a", "c"], packages: ["x: 1 → 2"], problem: null },
    { vms: ["b"], packages: null, problem: "no such host" },
    { vms: ["d"], packages: [], problem: null },
  ]);
});

describe("fleet diff", () => {
  const newer = "391b592eb44808b3bd0cb80bb71b63a5a118b8bb";
  const directory = mkdtempSync(join(tmpdir(), "fleet diff "));
  const [origin, clone] = [join(directory, "origin.git"), join(directory, "clone")];
  /** A clone without any commit. */
  const empty = join(directory, "empty");
  const git = async (cwd: string, ...args: string[]) => (await execa("git", args, { cwd, env: identity })).stdout;
  const lock = readFileSync(resolve(__dirname, "../../../../examples/config-repo/flake.lock"), "utf8");
  let before: string;
  let after: string;
  let fake: FakeCompute;

  beforeAll(async () => {
    await git(directory, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git");
    await git(directory, "clone", "--quiet", "origin.git", "clone");
    await git(directory, "init", "--quiet", "empty");
    await git(clone, "checkout", "--quiet", "-B", "main");
    const commit = async (files: Record<string, string>) => {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(clone, name), text);
      await git(clone, "add", ".");
      await git(clone, "commit", "--quiet", "--message", "x");
      return git(clone, "rev-parse", "HEAD");
    };
    before = await commit({ "flake.lock": lock, "a b.nix": "1" });
    const moved = lock.replace("8eeec934ae0dbeca3d7868c059568a65c08b2fc3", newer).replace("1784011430", "1787209939");
    after = await commit({ "flake.lock": moved, "a b.nix": "2", "new.nix": "3" });
    await git(clone, "push", "--quiet", "--set-upstream", "origin", "main");
    fake = new FakeCompute();
    endpoint = await fake.start();
  });
  afterAll(async () => {
    await fake.stop();
    rmSync(directory, { recursive: true });
  });
  beforeEach(() => {
    const toplevel = `/nix/store/${"0".repeat(32)}-nixos-system`;
    fake.instances = ["dev-alice", "dev-bob"].map((name) => ({
      name,
      labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev", "nixos-fleet-wave": "rest" },
      metadata: { "nixos-fleet": JSON.stringify({ repository: origin, branch: "main", host: `${name}-host` }) },
      guest: { "nixos-fleet/system": JSON.stringify(report({ revision: before, approved: before, toplevel })) },
    }));
    fake.metadata = { [approvalKey("devs", "dev", "rest")]: JSON.stringify(approval(after)) };
  });

  let endpoint: string;

  /** @param nix a shell script in place of nix; null for none at all */
  async function fleet(args: string[], nix: string | null = null, cwd = empty) {
    const bin = join(directory, "bin");
    rmSync(bin, { recursive: true, force: true });
    mkdirSync(bin);
    const { stdout: program } = await execa("which", ["git"]);
    writeFileSync(join(bin, "git"), `#!/bin/sh\nexec ${program} "$@"\n`);
    if (nix !== null) writeFileSync(join(bin, "nix"), `#!/bin/sh\nexport PATH=/usr/bin:/bin\n${nix}\n`);
    for (const name of nix === null ? ["git"] : ["git", "nix"]) chmodSync(join(bin, name), 0o755);
    return runFleet(["diff", ...args, ...(args.includes("--clone") ? [] : ["--clone", cwd])], {
      ...environmentOf(endpoint),
      PATH: bin,
      HOME: directory,
    });
  }

  const inputs = [
    "  nixpkgs 8eeec93 → 391b592, 37 days later",
    expect.stringMatching(/^ {4}https:\/\/github.com\/NixOS\/nixpkgs\/compare\//) as string,
    "  besides flake.lock: a b.nix, new.nix",
  ];

  it.each([
    ["a clone", () => clone],
    ["the repository where the clone lacks the commits", () => empty],
  ])("shows what moves by the commits of %s, and says that nix is not there", async (_, where) => {
    expect(await fleet([], null, where())).toEqual({
      code: 0,
      err: [],
      out: [
        `dev-alice, dev-bob: ${before.slice(0, 7)} => ${after.slice(0, 7)}`,
        ...inputs,
        "",
        "the packages are not compared: nix is not on PATH; run this where it is installed",
      ],
    });
  });

  // Alice's system is in a cache, Bob's old one has to be built; there is no other way to tell them apart than what nix is asked.
  const nix = `
    echo "$@" >>"${directory}/asked"
    case "$*" in
      *--version*) echo nix ;;
      *eval*rev=BEFORE*) echo '{"dev-bob-host":{"derivation":"/nix/store/b-old.drv","toplevel":"/nix/store/b-old"}}' ;;
      *eval*) echo '{"dev-alice-host":{"derivation":"/nix/store/a.drv","toplevel":"/nix/store/a"},"dev-bob-host":{"derivation":"/nix/store/b.drv","toplevel":"/nix/store/b"}}' ;;
      *build*"/nix/store/000"*) [ -e "${directory}/cached" ] || { echo "error: no substituter has it" >&2; exit 1; } ;;
      *build*) echo built ;;
      *diff-closures*) printf 'firefox: \\033[31;1m1.0 → 1.1\\033[0m, +12.0 KiB\\nlinux: 6.1 → 6.2\\n' ;;
      *) echo "error: unexpected" >&2; exit 9 ;;
    esac`;

  it("compares what a VM runs, where a cache has it, with what would be built", async () => {
    writeFileSync(join(directory, "cached"), "");
    rmSync(join(directory, "asked"), { force: true });
    const { code, out, err } = await fleet(["dev-alice"], nix, clone);
    expect([code, err]).toEqual([0, []]);
    expect(out.slice(4)).toEqual(["  the closure:", "    firefox: 1.0 → 1.1, +12.0 KiB", "    linux: 6.1 → 6.2", ""]);
    const asked = readFileSync(join(directory, "asked"), "utf8");
    expect(asked).toContain(`store diff-closures /nix/store/${"0".repeat(32)}-nixos-system /nix/store/a\n`);
    expect(asked).toContain("build --print-out-paths --no-update-lock-file --no-link /nix/store/a.drv^out\n");
    expect(asked).not.toContain(`rev=${before}`);
    rmSync(join(directory, "cached"));
  });

  it("says that nix is too old, whatever that says of options that it does not know", async () => {
    const old = `[ "$*" = --version ] && { echo "nix (Nix) 2.3.16"; exit; }; echo "error: unrecognised flag '$1'" >&2; exit 1`;
    const { code, out } = await fleet([], old, clone);
    expect([code, out.at(-1)]).toEqual([
      0,
      "the packages are not compared: this is Nix 2.3, which is too old; 2.19 or newer is needed",
    ]);
  });

  it("builds what a VM runs where it must, and fails when a system cannot be compared, after having shown the others", async () => {
    const { code, out } = await fleet([], nix.replace("BEFORE", before), clone);
    expect(out.slice(4)).toEqual([
      `  the closure of dev-alice cannot be compared: there is no nixosConfigurations.dev-alice-host at ${before.slice(0, 7)}`,
      "  the closure of dev-bob:",
      "    firefox: 1.0 → 1.1, +12.0 KiB",
      "    linux: 6.1 → 6.2",
      "",
    ]);
    expect(code).toBe(1);
  });

  it("evaluates no commit that a VM names and no branch has, such as one of a pull request", async () => {
    await git(origin, "config", "uploadpack.allowAnySHA1InWant", "true");
    await git(clone, "checkout", "--quiet", "--detach");
    await git(clone, "commit", "--quiet", "--allow-empty", "--message", "theirs");
    const theirs = await git(clone, "rev-parse", "HEAD");
    await git(clone, "push", "--quiet", "origin", "HEAD:refs/pull/1/head");
    await git(clone, "checkout", "--quiet", "main");
    const toplevel = `/nix/store/${"0".repeat(32)}-nixos-system`;
    for (const one of fake.instances)
      one.guest = { "nixos-fleet/system": JSON.stringify(report({ revision: theirs, approved: before, toplevel })) };
    for (const where of [clone, empty]) {
      rmSync(join(directory, "asked"), { force: true });
      const { code, out } = await fleet(["dev-bob"], nix.replace("BEFORE", theirs), where);
      expect([code, out.join("\n")]).toEqual([1, expect.stringContaining(`commit ${theirs} on a branch`)]);
      expect(readFileSync(join(directory, "asked"), "utf8")).not.toContain(`rev=${theirs}`);
    }
  });

  it("fetches both commits shallowly for nix where the clone lacks them, and leaves nothing behind", async () => {
    rmSync(join(directory, "asked"));
    await fleet(["dev-bob"], nix.replace("BEFORE", before));
    const asked = readFileSync(join(directory, "asked"), "utf8");
    const [, scratch] = /git\+file:\/\/(\S+)\?rev=[0-9a-f]{40}&shallow=1#/.exec(asked) ?? [];
    expect(scratch).toMatch(/fleet-config-/);
    await expect(execa("ls", [scratch ?? ""])).rejects.toThrow();
  });

  it("reads the repository where --resolve-from says", async () => {
    for (const one of fake.instances)
      one.metadata = { "nixos-fleet": JSON.stringify({ repository: join(directory, "away"), branch: "main" }) };
    const args = ["--head", "--no-closures", "--resolve-from", origin];
    const { code, out } = await fleet(args, null, empty);
    expect([code, out.join("\n")]).toEqual([0, expect.stringContaining("a b.nix")]);
  });

  it("compares with the branch's head, or a revision, and says who runs it already", async () => {
    fake.metadata = { [approvalKey("devs", "dev", "rest")]: JSON.stringify(approval(before)) };
    expect((await fleet([])).out).toEqual(["dev-alice, dev-bob run what is wanted already"]);
    expect((await fleet(["--head", "--no-closures"])).out).toEqual([
      `dev-alice, dev-bob: ${before.slice(0, 7)} => ${after.slice(0, 7)}`,
      ...inputs,
      "",
    ]);
    expect((await fleet(["dev-bob", "--to", before.slice(0, 7)])).out).toEqual([
      `dev-bob runs ${before.slice(0, 7)} already`,
    ]);
  });

  it("takes a few digits for a commit of the repository, whatever a VM says that it runs", async () => {
    const forged = before.slice(0, 7) + "0".repeat(33);
    const [alice] = fake.instances;
    Object.assign(alice ?? {}, { guest: { "nixos-fleet/system": JSON.stringify(report({ revision: forged })) } });
    expect((await fleet(["dev-bob", "--to", before.slice(0, 7)])).out).toEqual([
      `dev-bob runs ${before.slice(0, 7)} already`,
    ]);
    expect((await fleet(["dev-alice", "--to", forged])).out).toEqual([`dev-alice runs ${before.slice(0, 7)} already`]);
  });

  it("prints one JSON document", async () => {
    fake.metadata[controlKey("devs", "dev")] = JSON.stringify({ pins: { "dev-bob": before } });
    const { out } = await fleet(["--json"]);
    expect(JSON.parse(out.join("\n"))).toMatchObject({
      fleet: "devs",
      stack: "dev",
      moves: [
        {
          from: before,
          to: after,
          vms: ["dev-alice"],
          inputs: [{ input: "nixpkgs", days: 37, after: { revision: newer, at: "2026-08-20T07:12:19.000Z" } }],
          files: ["a b.nix", "new.nix"],
          closures: [],
        },
      ],
      same: ["dev-bob"],
      left: {},
      closures: "the packages are not compared: nix is not on PATH; run this where it is installed",
    } satisfies Partial<Record<keyof FleetDiff, unknown>>);
  });

  it("refuses what cannot be had, in one line", async () => {
    const gone = "d".repeat(40);
    const { code, err } = await fleet(["--to", gone]);
    expect([code, err]).toEqual([
      2,
      [expect.stringMatching(new RegExp(`^diff: ${origin} has no branch, tag or commit ${gone} on a branch;`))],
    ]);
    expect((await fleet(["--to", "main", "--no-closures"])).err).toEqual([]);
    expect((await fleet(["--to", "a..b"])).err).toEqual(["diff: a..b is not a revision, a branch or a tag"]);
    expect((await fleet(["--to", after, "--head"])).err).toEqual(["diff: --head and --to cannot be combined"]);
    expect((await fleet(["dev-eve"])).err).toEqual([expect.stringMatching(/^no VM dev-eve in fleet/)]);
    fake.instances = fake.instances.map((one) => ({ ...one, metadata: {} }));
    expect((await fleet(["--head"])).err).toEqual([expect.stringMatching(/^no VM's metadata names the config repo/)]);
    expect((await fleet([], null, directory)).err).toEqual([
      expect.stringMatching(/fleet diff \w+ is not a clone of the config repository \(.*\); name it with --clone/),
    ]);
    expect((await fleet([])).err).toEqual([
      expect.stringMatching(/is not a clone with these commits; name one with --clone/),
    ]);
  });
});
