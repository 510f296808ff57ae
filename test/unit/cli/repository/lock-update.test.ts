/** `fleet lock update` with a real git; of nix only the call that fetches is played. test/nix has the real one. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, it, test } from "vitest";
import type { LockUpdate } from "../../../../cli/repository/lock-update";
import { identity, runFleet } from "../run-fleet";

const example = resolve(__dirname, "../../../../examples/config-repo/flake.lock");
const newer = "391b592eb44808b3bd0cb80bb71b63a5a118b8bb";

let directory: string;
let clone: string;
const git = (cwd: string, ...args: string[]) => execa("git", args, { cwd, env: identity }).then(({ stdout }) => stdout);

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "fleet lock "));
  clone = join(directory, "clone");
  await git(directory, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git");
  await git(directory, "clone", "--quiet", "origin.git", "clone");
  writeFileSync(join(clone, "flake.nix"), "{ }\n");
  writeFileSync(join(clone, "flake.lock"), readFileSync(example));
  await git(clone, "checkout", "--quiet", "-B", "main");
  await git(clone, "add", ".");
  await git(clone, "commit", "--quiet", "--message", "first");
  await git(clone, "push", "--quiet", "--set-upstream", "origin", "main");
});
afterEach(() => rmSync(directory, { recursive: true }));

/** @param nix what stands for `nix flake update`, a shell script in the flake's directory; null for no nix at all */
async function fleet(args: string[], nix: string | null = bump, where = clone) {
  const bin = join(directory, "bin");
  mkdirSync(bin, { recursive: true });
  rmSync(join(bin, "nix"), { force: true });
  if (nix !== null) {
    writeFileSync(join(bin, "nix"), `#!/bin/sh\necho "$@" >>"${directory}/asked"\n${nix}\n`);
    chmodSync(join(bin, "nix"), 0o755);
  }
  return runFleet(["lock", ...args, "--clone", where], {
    ...identity,
    PATH: nix === null ? bin : `${bin}:${process.env["PATH"] ?? ""}`,
    HOME: directory,
  });
}

const bump = `sed -i 's/8eeec934ae0dbeca3d7868c059568a65c08b2fc3/${newer}/; s/1784011430/1787209939/' flake.lock`;
const head = (where: string, branch = "main") => git(where, "rev-parse", branch);
const origin = () => head(join(directory, "origin.git"));
const worktrees = async () => (await git(clone, "worktree", "list")).split("\n").length;

it("updates the flake of the folder that it is called in", async () => {
  mkdirSync(join(clone, "infra/hosts"), { recursive: true });
  for (const file of ["flake.nix", "flake.lock"]) await git(clone, "mv", file, "infra");
  writeFileSync(join(clone, "infra/hosts/dev-alice.nix"), "{ }\n");
  await git(clone, "add", ".");
  await git(clone, "commit", "--quiet", "--message", "a folder of its own");
  await git(clone, "push", "--quiet");
  const { code, err } = await fleet(["update", "nixpkgs"], bump, join(clone, "infra/hosts"));
  expect([code, err]).toEqual([0, []]);
  expect(await git(clone, "show", "--format=", "--name-only", await origin())).toBe("infra/flake.lock");
  expect(await git(clone, "show", "origin/main:infra/flake.lock")).toContain(newer);
});

it("updates, commits flake.lock alone, pushes, and shows what moved", async () => {
  const before = await head(clone);
  const { code, out, err } = await fleet(["update", "nixpkgs"]);
  const after = await origin();
  expect([code, err]).toEqual([0, []]);
  expect(out).toEqual([
    "  nixpkgs 8eeec93 → 391b592, 37 days later",
    expect.stringMatching(/^ {4}https:\/\/github.com\/NixOS\/nixpkgs\/compare\/8eeec93\w+\.\.\.391b592\w+$/),
    `pushed ${after.slice(0, 7)} to main; pulumi preview shows what it would roll out`,
  ]);
  expect(await head(clone)).toBe(after);
  expect(await git(clone, "log", "-1", "--format=%P %s", "--name-only")).toBe(
    `${before} flake.lock: nixpkgs 8eeec93 → 391b592, 37 days later\n\nflake.lock`,
  );
  expect(await git(clone, "status", "--porcelain")).toBe("");
  expect(readFileSync(join(directory, "asked"), "utf8")).toContain("flake update nixpkgs\n");
  expect(await worktrees()).toBe(1);
});

it("says the same as JSON", async () => {
  const update = JSON.parse((await fleet(["update", "--json"])).out.join("\n")) as LockUpdate;
  expect(update).toMatchObject({ branch: "main", revision: await origin(), changes: [{ input: "nixpkgs", days: 37 }] });
});

it("commits nothing where nothing is newer", async () => {
  const before = await origin();
  expect(await fleet(["update"], "true")).toMatchObject({ code: 0, out: ["nothing newer: flake.lock stays as it is"] });
  expect(await origin()).toBe(before);
});

/** What must hold after every failure. */
async function expectUntouched(before: string): Promise<void> {
  expect(await head(clone)).toBe(before);
  expect(await origin()).toBe(before);
  expect(readFileSync(join(clone, "flake.lock"), "utf8")).toBe(readFileSync(example, "utf8"));
  expect(await worktrees()).toBe(1);
}

test.each([
  [
    "nix fails half way",
    "echo half >flake.lock; echo 'error: cannot reach github.com' >&2; exit 1",
    /^nix flake: error: cannot reach github.com \[NF207\]$/,
  ],
  ["the new lock is none", "echo half >flake.lock", /^flake.lock is not JSON \[NF206\]$/],
  [
    "the push is refused",
    `hook="$HOME/origin.git/hooks/pre-receive"; printf '#!/bin/sh\\necho "no lock on Fridays" >&2\\nexit 1\\n' >"$hook"; chmod +x "$hook"; ${bump}`,
    /^git push: .*pre-receive hook declined.*no lock on Fridays/,
  ],
])("leaves the clone as it was where %s", async (_, nix, message) => {
  const before = await head(clone);
  expect(await fleet(["update"], nix)).toMatchObject({ code: 1, out: [], err: [expect.stringMatching(message)] });
  await expectUntouched(before);
});

it("does not overwrite what someone else pushed meanwhile", async () => {
  const other = join(directory, "other");
  await git(directory, "clone", "--quiet", "origin.git", "other");
  const push = `cd "${other}"; git commit --quiet --allow-empty --message theirs; git push --quiet`;
  const before = await head(clone);
  const { code, err } = await fleet(["update"], `${bump}; (${push})`);
  expect([code, err.length]).toEqual([1, 1]);
  expect(err[0]).toMatch(/^git push: /);
  expect(await head(clone)).toBe(before);
  expect(await origin()).toBe(await head(other));
});

it("works where a filter such as git-crypt's needs a key that lies in the clone, and touches nothing in the clone before the push", async () => {
  // As `git-crypt unlock` sets it up: what it encrypts cannot be checked out anywhere else.
  await git(
    clone,
    "config",
    "filter.crypt.smudge",
    `test -f "${clone}/.git/key" && git rev-parse --git-dir | grep -qx .git && cat`,
  );
  await git(clone, "config", "filter.crypt.clean", "cat");
  await git(clone, "config", "filter.crypt.required", "true");
  writeFileSync(join(clone, ".git/key"), "");
  writeFileSync(join(clone, ".gitattributes"), "secret filter=crypt\n");
  writeFileSync(join(clone, "secret"), "s\n");
  await git(clone, "add", ".");
  await git(clone, "commit", "--quiet", "--message", "secret");
  await git(clone, "push", "--quiet");
  const look = `git -C "${clone}" worktree list >"${directory}/during"; git -C "${clone}" status --porcelain >>"${directory}/during"`;
  const { code, err } = await fleet(["update"], `${bump}; ${look}`);
  expect([code, err]).toEqual([0, []]);
  expect(await git(clone, "status", "--porcelain")).toBe("");
  expect(readFileSync(join(directory, "during"), "utf8").trim().split("\n")).toHaveLength(1);
});

it("says that it has pushed where an edit meanwhile keeps the clone from following", async () => {
  const before = await head(clone);
  const { code, out } = await fleet(["update"], `${bump}; echo mine >>"${clone}/flake.lock"`);
  expect(code).toBe(0);
  expect(await origin()).not.toBe(before);
  expect(out.slice(-2)).toEqual([
    `pushed ${(await origin()).slice(0, 7)} to main; pulumi preview shows what it would roll out`,
    expect.stringMatching(
      new RegExp(`^your clone stays at ${before.slice(0, 7)} \\(.*flake.lock.*\\); git pull when you are ready$`),
    ),
  ]);
  expect(readFileSync(join(clone, "flake.lock"), "utf8")).toMatch(/mine\n$/);
});

it("says in one line that nix is missing", async () => {
  const before = await head(clone);
  const { stdout: git } = await execa`which git`;
  mkdirSync(join(directory, "bin"));
  symlinkSync(git, join(directory, "bin", "git"));
  const { code, err } = await fleet(["update"], null);
  expect([code, err]).toEqual([1, ["nix is not on PATH; run this where it is installed [NF207]"]]);
  await expectUntouched(before);
});

test.each<[string, () => unknown, string[], number, RegExp]>([
  [
    "a dirty tree",
    () => writeFileSync(join(clone, "flake.nix"), "{ x = 1; }\n"),
    ["update"],
    1,
    /has changes that are not committed \(M flake.nix\)/,
  ],
  [
    "a commit that is not pushed",
    () => git(clone, "commit", "--quiet", "--allow-empty", "--message", "x"),
    ["update"],
    1,
    /is 1 commits ahead of origin and 0 behind/,
  ],
  ["no branch", () => git(clone, "checkout", "--quiet", "--detach"), ["update"], 1, /is on no branch/],
  [
    "a branch of no remote",
    () => git(clone, "checkout", "--quiet", "-b", "mine"),
    ["update"],
    1,
    /follows no remote branch/,
  ],
  [
    "a branch that follows another one of the same clone",
    async () => {
      await git(clone, "checkout", "--quiet", "-b", "mine");
      await git(clone, "branch", "--quiet", "--set-upstream-to=main");
    },
    ["update"],
    1,
    /follows another branch of the same clone \(refs\/heads\/main\), so nothing would be pushed; git branch --set-upstream-to/,
  ],
  [
    "an input that there is not",
    () => undefined,
    ["update", "nixpkg"],
    2,
    /no input nixpkg; the lock has home-manager, nixpkgs/,
  ],
  ["another verb", () => undefined, ["show"], 2, /^lock: unknown subcommand "show"; it must be update$/],
  ["no verb", () => undefined, [], 2, /an argument is missing/],
])("refuses %s in one line, and nix is never asked", async (_, arrange, args, code, message) => {
  await arrange();
  const result = await fleet(args);
  expect(result).toMatchObject({ code, out: [], err: [expect.stringMatching(message)] });
  expect(existsSync(join(directory, "asked"))).toBe(false);
});

it("refuses a clone of nixos-fleet itself", async () => {
  writeFileSync(join(clone, "contract.json"), "{}");
  await git(clone, "add", ".");
  await git(clone, "commit", "--quiet", "--message", "contract");
  await git(clone, "push", "--quiet");
  const before = await origin();
  const { code, err } = await fleet(["update"]);
  expect([code, err]).toEqual([
    1,
    [
      `${clone} is nixos-fleet itself, whose lock no VM follows; name the clone of the config repository with --clone [NF206]`,
    ],
  ]);
  expect(await origin()).toBe(before);
});

it("refuses a directory that is no clone", async () => {
  rmSync(join(clone, ".git"), { recursive: true });
  expect((await fleet(["update"])).err).toEqual([expect.stringMatching(/is not a clone of the config repository/)]);
});
