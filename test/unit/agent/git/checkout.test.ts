/** The clone for people: it follows the mirror where nothing of theirs is in it, and is otherwise left as it is. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { syncCheckout } from "../../../../agent/git/checkout";
import { Mirror } from "../../../../agent/git/mirror";
import { pace } from "../../../setup/pace";
import { originOf } from "./origin";
import { Repository, Scratch } from "../scratch";

let scratch: Scratch;
let source: Repository;
let clone: Repository;
let mirror: Mirror;
const url = "https://git.example.com/config.git";

beforeEach(() => {
  scratch = new Scratch();
  source = new Repository(scratch.in("origin"));
  mirror = new Mirror(scratch.in("state/mirror.git"));
});
afterEach(() => {
  delete process.env["GIT_CONFIG_SYSTEM"];
  delete process.env["NIXOS_AUTO_UPDATE_FETCH_TIMEOUT"];
  scratch.remove();
});

/** Fetches a branch's head, as an update does, and brings the clone to it. */
async function sync(branch = "main", from = url): Promise<string> {
  const head = source.git("rev-parse", branch);
  await mirror.fetch(originOf(source.url, { branch }), head);
  await syncCheckout({ folder: scratch.in("clone"), mirror, url: from, branch });
  clone = Object.create(Repository.prototype, { folder: { value: scratch.in("clone") } }) as Repository;
  return head;
}

const head = () => clone.git("rev-parse", "HEAD");

describe("the clone", () => {
  it("is made, says where it is from, and follows", async () => {
    source.commit("1");
    expect(await sync()).toBe(head());
    expect(clone.git("remote", "get-url", "origin")).toBe(url);
    source.commit("2");
    expect(await sync()).toBe(head());
    expect(scratch.log).not.toContain("left alone");
  });

  it("runs neither its hooks nor its file system monitor while it follows: anyone may have put them there", async () => {
    source.commit("1");
    await sync();
    const program = `#!/bin/sh\necho "$0" >>${scratch.in("ran")}\n`;
    for (const hook of ["post-merge", "post-checkout", "reference-transaction"])
      writeFileSync(scratch.in(`clone/.git/hooks/${hook}`), program, { mode: 0o755 });
    writeFileSync(scratch.in("monitor"), program, { mode: 0o755 });
    clone.git("config", "core.fsmonitor", scratch.in("monitor"));
    source.commit("2");
    expect(await sync()).toBe(head());
    expect(existsSync(scratch.in("ran"))).toBe(false);
  });

  it("of a large repository takes its time, however silent git is", async () => {
    const slow = `case " $* " in *" clone "*|*" merge "*) sleep ${1.5 * pace} ;; esac`;
    scratch.fake("git", `${slow}; PATH=\${PATH#*:} exec git "$@"`);
    process.env["NIXOS_AUTO_UPDATE_FETCH_TIMEOUT"] = String(pace);
    for (const text of ["1", "2"]) {
      source.commit(text);
      expect(await sync()).toBe(head());
    }
  });

  it.each([
    ["changes", () => writeFileSync(scratch.in("clone/flake.lock"), "mine")],
    ["changes that no update touches", () => writeFileSync(scratch.in("clone/notes.txt"), "mine")],
    ["commits", () => void clone.commit("mine", "mine")],
  ])("with %s of a person's is left alone", async (_, work) => {
    source.commit("1");
    await sync();
    work();
    const before = head();
    source.commit("2");
    await sync();
    expect(head()).toBe(before);
    expect(scratch.log).toContain("clone is left alone: it has changes, or a history, of its own");
  });

  it.each(["main", "release"])("keeps a file of a person's that git ignores and that %s has now", async (branch) => {
    source.commit("local.nix", ".gitignore");
    await sync();
    writeFileSync(scratch.in("clone/local.nix"), "mine");
    const before = head();
    if (branch !== "main") source.git("checkout", "--quiet", "-b", branch);
    source.git("rm", "--quiet", ".gitignore");
    source.commit("theirs", "local.nix");
    await sync(branch);
    expect([head(), readFileSync(scratch.in("clone/local.nix"), "utf8")]).toEqual([before, "mine"]);
    expect(scratch.log).toContain("clone is left alone: ");
  });

  it("says where it is from when that has changed, but for what a person has said", async () => {
    const [moved, theirs] = ["https://git.example.com/moved.git", "ssh://git@git.example.com/config.git"];
    source.commit("1");
    await sync();
    await sync("main", moved);
    expect(clone.git("remote", "get-url", "origin")).toBe(moved);
    expect(scratch.log).toContain(`clone has its origin at ${moved} now, as the machine has`);
    clone.git("remote", "set-url", "origin", theirs);
    await sync("main", url);
    expect(clone.git("remote", "get-url", "origin")).toBe(theirs);
    // An older agent's clone, which notes nothing yet.
    clone.git("remote", "set-url", "origin", url);
    clone.git("config", "--unset", "nixos-fleet.url");
    await sync("main", url);
    await sync("main", moved);
    expect(clone.git("remote", "get-url", "origin")).toBe(moved);
  });

  it("says what git says where git cannot", async () => {
    source.commit("1");
    await sync();
    scratch.fake(
      "git",
      `case "$*" in *"/clone fetch"*|*"/clone -c"*fetch*|*fetch*mirror.git*) echo 'fatal: write error: No space left on device' >&2; exit 128 ;; esac; PATH=\${PATH#*:} exec git "$@"`,
    );
    await syncCheckout({ folder: scratch.in("clone"), mirror, url, branch: "main" });
    expect(scratch.log).toContain("clone is left alone: fatal: write error: No space left on device");
  });

  it("is made and follows where a filter of the system's configuration is required, as Git LFS's is", async () => {
    writeFileSync(
      scratch.in("gitconfig"),
      '[filter "lfs"]\nrequired = true\nsmudge = false\nclean = false\nprocess = false\n',
    );
    process.env["GIT_CONFIG_SYSTEM"] = scratch.in("gitconfig");
    mkdirSync(source.folder, { recursive: true });
    const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 5\n";
    writeFileSync(`${source.folder}/.gitattributes`, "*.png filter=lfs\n");
    process.env["GIT_CONFIG_SYSTEM"] = "/dev/null";
    source.commit(pointer, "logo.png");
    process.env["GIT_CONFIG_SYSTEM"] = scratch.in("gitconfig");
    await sync();
    expect(readFileSync(scratch.in("clone/logo.png"), "utf8")).toBe(pointer);
    process.env["GIT_CONFIG_SYSTEM"] = "/dev/null";
    source.commit(`${pointer}2`, "logo.png");
    process.env["GIT_CONFIG_SYSTEM"] = scratch.in("gitconfig");
    const next = await sync();
    process.env["GIT_CONFIG_SYSTEM"] = "/dev/null";
    expect(head()).toBe(next);
  });
});

describe("after a change of the branch, the clone", () => {
  it.each([
    ["release", "main"],
    ["release", "release/26.05"],
    ["release/26.05", "release"],
  ])("follows from %s to %s", async (from, to) => {
    source.commit("1");
    source.git("checkout", "--quiet", "-b", from);
    source.commit("2");
    await sync(from);
    source.git("checkout", "--quiet", "main");
    if (to !== "main") {
      source.git("branch", "-D", from);
      source.git("checkout", "--quiet", "-b", to);
    }
    source.commit("3");
    const next = await sync(to);
    expect(clone.git("symbolic-ref", "--short", "HEAD")).toBe(to);
    expect(head()).toBe(next);
  });

  it.each(["release/26.05", "next"])("keeps commits that are in no repository, and their branch: to %s", async (to) => {
    source.git("checkout", "--quiet", "-b", "release");
    source.commit("1");
    await sync("release");
    const mine = clone.commit("mine", "mine");
    source.git("checkout", "--quiet", "-b", "release2");
    source.git("branch", "-D", "release");
    source.git("branch", "-m", to);
    source.commit("2");
    await sync(to);
    expect([head(), clone.git("symbolic-ref", "--short", "HEAD")]).toEqual([mine, "release"]);
    expect(scratch.log).toContain("clone is left alone: it has changes, or a history, of its own");
  });
});

describe("what is in its place", () => {
  const image = "{ ... }: { imports = [ <nixpkgs/nixos/modules/virtualisation/google-compute-image.nix> ]; }";

  it("is set aside where it is an image's own configuration", async () => {
    mkdirSync(scratch.in("clone"));
    writeFileSync(scratch.in("clone/configuration.nix"), image);
    source.commit("1");
    await sync();
    expect(readdirSync(scratch.in("clone.image"))).toEqual(["configuration.nix"]);
    expect(readdirSync(scratch.in("clone"))).toContain("flake.lock");
  });

  it.each([
    ["a configuration of a person's", { "configuration.nix": "{ }" }],
    ["more than that configuration", { "configuration.nix": image, "notes.txt": "" }],
  ])("is left alone where it is %s", async (_, files: Record<string, string>) => {
    mkdirSync(scratch.in("clone"));
    for (const [name, text] of Object.entries(files)) writeFileSync(scratch.in(`clone/${name}`), text);
    source.commit("1");
    await sync();
    expect(readdirSync(scratch.in("clone")).sort()).toEqual(Object.keys(files).sort());
    expect(scratch.log).toContain("it is not root's clone of the repository");
  });
});
