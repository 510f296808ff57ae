/** The mirror, on real repositories and with a real git. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { git, GitError, remoteAccess } from "../../../../agent/git/git";
import { branchHead, Mirror, type Origin } from "../../../../agent/git/mirror";
import { originOf } from "./origin";
import { reasonOf } from "./reason";
import { pace } from "../../../setup/pace";
import { Repository, Scratch } from "../scratch";

let scratch: Scratch;
let source: Repository;
let mirror: Mirror;

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

const origin = (more?: Partial<Origin>) => originOf(source.url, more);

describe("the branch's head", () => {
  it("is known without fetching", async () => {
    const head = source.commit("1");
    expect(await branchHead(origin())).toBe(head);
    expect(existsSync(mirror.path)).toBe(false);
  });

  it("that is not there differs from a repository that does not answer", async () => {
    source.commit("1");
    expect(await reasonOf(branchHead(origin({ branch: "gone" })))).toBe("absent");
    expect(await reasonOf(branchHead(origin({ url: "file:///nowhere" })))).toBe("network");
  });

  it("is that of the branch itself, not of one whose name ends in the same words", async () => {
    const head = source.commit("1");
    source.git("checkout", "--quiet", "-b", "a/refs/heads/main");
    source.commit("2");
    source.git("branch", "a/refs/heads/gone");
    expect(await branchHead(origin())).toBe(head);
    expect(await reasonOf(branchHead(origin({ branch: "gone" })))).toBe("absent");
  });
});

/** The mirror's file with an object of the source; its objects are stored one by one. */
function fileOfObject(name: string): string {
  const object = source.git("rev-parse", name);
  return scratch.in(`state/mirror.git/objects/${object.slice(0, 2)}/${object.slice(2)}`);
}

/** Changes one bit of an object's file, in zlib's checksum: all of its content can still be read. */
function corrupt(name: string): void {
  const file = fileOfObject(name);
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  rmSync(file);
  writeFileSync(file, bytes);
}

describe("the mirror", () => {
  it("fetches a revision and the digest of its lock", async () => {
    const first = source.commit("one\n");
    source.commit("two\n");
    await mirror.fetch(origin(), first);
    expect(await mirror.lockDigest(first)).toBe(createHash("sha256").update("one\n").digest("hex"));
  });

  it("reads the lock of a flake in a folder, and names it to Nix", async () => {
    source.commit("top\n");
    mkdirSync(join(source.folder, "infra"));
    const revision = source.commit("below\n", "infra/flake.lock");
    await mirror.fetch(origin(), revision);
    expect(await mirror.lockDigest(revision, "infra")).toBe(createHash("sha256").update("below\n").digest("hex"));
    expect(await mirror.lockDigest(revision, "elsewhere")).toBe("");
    expect(mirror.installable(revision, "a", "infra")).toMatch(new RegExp(`rev=${revision}&dir=infra#a$`));
  });

  it("goes on where the branch is renamed to one below its old name, and back", async () => {
    await mirror.fetch(origin(), source.commit("1"));
    source.git("branch", "--move", "main", "release");
    const second = source.commit("2");
    await mirror.fetch(origin({ branch: "release" }), second);
    source.git("branch", "--move", "release", "release-old");
    source.git("checkout", "--quiet", "-b", "release/26.05");
    const third = source.commit("3");
    await mirror.fetch(origin({ branch: "release/26.05" }), third);
    expect(await mirror.has(third)).toBe(true);
    source.git("branch", "--move", "release/26.05", "release");
    const fourth = source.commit("4");
    await mirror.fetch(origin({ branch: "release" }), fourth);
    expect(await mirror.has(fourth)).toBe(true);
    expect(scratch.log).not.toContain("damaged");
  });

  it("is not taken for damaged where a filter of the system's configuration is required", async () => {
    writeFileSync(scratch.in("gitconfig"), '[filter "lfs"]\n\tsmudge = false\n\tprocess = false\n\trequired = true\n');
    process.env["GIT_CONFIG_SYSTEM"] = scratch.in("gitconfig");
    source.commit("*.png filter=lfs diff=lfs merge=lfs -text\n", ".gitattributes");
    rmSync(scratch.in("origin/.git/info"), { recursive: true, force: true });
    delete process.env["GIT_CONFIG_SYSTEM"];
    const head = source.commit("version https://git-lfs.github.com/spec/v1\n", "picture.png");
    process.env["GIT_CONFIG_SYSTEM"] = scratch.in("gitconfig");
    await mirror.fetch(origin(), head);
    const second = source.git("rev-parse", "HEAD");
    await mirror.fetch(origin(), second);
    expect(scratch.log).toBe("");
  });

  /** A commit of a pull request: a server hands it out, and no branch contains it. */
  const proposed = () => {
    source.git("config", "uploadpack.allowAnySHA1InWant", "true");
    const base = source.git("rev-parse", "HEAD");
    source.git("checkout", "--quiet", "--detach");
    const commit = source.commit("proposed");
    source.git("update-ref", "refs/pull/1/head", commit);
    source.git("checkout", "--quiet", "main");
    expect(source.git("rev-parse", "HEAD")).toBe(base);
    return commit;
  };

  it("refuses a revision that no branch contains, again and also if it has it", async () => {
    source.commit("1");
    const commit = proposed();
    const refused = async () => {
      expect(await reasonOf(mirror.fetch(origin(), commit))).toBe("absent");
      const kept = await git([`--git-dir=${mirror.path}`, "for-each-ref", "refs/nixos-fleet/"]);
      expect(kept.stdout).toBe("");
    };
    await refused();
    expect(await mirror.has(commit)).toBe(false);
    await git([`--git-dir=${mirror.path}`, "fetch", "--quiet", source.url, commit], { access: remoteAccess("file") });
    expect(await mirror.has(commit)).toBe(true);
    await refused();
    source.git("branch", "merged", commit);
    await mirror.fetch(origin(), commit);
    expect(scratch.log).not.toContain("damaged");
  });

  it("fetches such a revision if that is allowed", async () => {
    source.commit("1");
    const commit = proposed();
    await mirror.fetch(origin(), commit, { anywhere: true });
    expect(await mirror.fileAt(commit, "flake.lock")).toBe("proposed");
  });

  it("fetches a revision of another branch, by a server that gives only the heads of branches, and forgets the branch", async () => {
    source.commit("1");
    source.git("checkout", "--quiet", "-b", "release/26.05");
    const older = source.commit("2");
    source.commit("3");
    source.git("checkout", "--quiet", "main");
    await mirror.fetch(origin(), older);
    expect(await mirror.has(older)).toBe(true);
    await mirror.prune([older]);
    const names = await git([`--git-dir=${mirror.path}`, "for-each-ref", "--format=%(refname)"]);
    expect(names.stdout).not.toContain("release");
  });

  it("takes what it deployed before, also after a forced push removed it from each branch", async () => {
    const [first, lost, later] = [source.commit("1"), source.commit("2"), source.commit("3")];
    await mirror.fetch(origin(), later);
    source.git("reset", "--quiet", "--hard", first);
    await mirror.fetch(origin(), source.commit("4"));
    for (const revision of [later, lost, first]) await mirror.fetch(origin(), revision);
    await mirror.prune([first]);
    expect(await reasonOf(mirror.fetch(origin(), lost))).toBe("absent");
  });

  it("keeps what a forced push took off its branch", async () => {
    source.commit("1");
    const lost = source.commit("2");
    await mirror.fetch(origin(), lost);
    source.git("reset", "--quiet", "--hard", "HEAD~1");
    await mirror.fetch(origin(), source.commit("3"));
    await git([`--git-dir=${mirror.path}`, "gc", "--quiet", "--prune=now"]);
    expect(await mirror.has(lost)).toBe(true);
  });

  it("knows descendants, and says so where it cannot tell", async () => {
    const [first, second] = [source.commit("1"), source.commit("2")];
    source.git("checkout", "--quiet", "-b", "side", first);
    const third = source.commit("3");
    await mirror.fetch(origin(), second);
    await mirror.fetch(origin({ branch: "side" }), third);
    expect(await mirror.descends(first, second)).toBe(true);
    expect(await mirror.descends(second, third)).toBe(false);
    scratch.fake("git", "echo 'fatal: no memory' >&2; exit 128");
    expect(await mirror.descends(first, second).catch((error: unknown) => error)).toBeInstanceOf(GitError);
  });

  it.each([
    ["objects are gone", () => rmSync(scratch.in("state/mirror.git/objects"), { recursive: true })],
    ["newest file is gone", () => rmSync(fileOfObject("HEAD:flake.lock"))],
    ["newest folder is gone", () => rmSync(fileOfObject("HEAD^{tree}"))],
    ["newest file has a wrong bit", () => corrupt("HEAD:flake.lock")],
    ["HEAD is garbage", () => writeFileSync(scratch.in("state/mirror.git/HEAD"), "garbage\n")],
    [
      "place is a file's",
      () => {
        rmSync(mirror.path, { recursive: true });
        writeFileSync(mirror.path, "x");
      },
    ],
  ])("is made again where its %s", async (_, damage) => {
    const head = source.commit("1");
    await mirror.fetch(origin(), head);
    damage();
    await mirror.fetch(origin(), head);
    expect(await mirror.has(head)).toBe(true);
    expect(await mirror.fileAt(head, "flake.lock")).toBe("1");
  });

  it("reads a lock whose names git would have to quote, and knows when there is none", async () => {
    mkdirSync(join(source.folder, 'in "fra'));
    const revision = source.commit("quoted\n", 'in "fra/flake.lock');
    await mirror.fetch(origin(), revision);
    expect(await mirror.fileAt(revision, 'in "fra/flake.lock')).toBe("quoted\n");
    expect(await mirror.fileAt(revision, "flake.lock")).toBeUndefined();
    expect(await reasonOf(mirror.fileAt("1".repeat(40), "flake.lock"))).toBe("unknown");
    expect(await reasonOf(mirror.fileAt(revision, 'in "fra'))).toBe("unknown");
  });

  it("forgets all revisions but those that are to be kept", async () => {
    const revisions = [source.commit("1"), source.commit("2"), source.commit("3")];
    for (const revision of revisions) await mirror.fetch(origin(), revision);
    const [first = "", , third = ""] = revisions;
    await mirror.prune([third, first, undefined]);
    const kept = await git([`--git-dir=${mirror.path}`, "for-each-ref", "--format=%(refname)", "refs/nixos-fleet/"]);
    expect(kept.stdout.trim().split("\n")).toEqual([first, third].sort().map((name) => `refs/nixos-fleet/${name}`));
  });

  it("fetches only by the protocols that are allowed", async () => {
    const head = source.commit("1");
    expect(await reasonOf(mirror.fetch(origin({ access: remoteAccess("https:ssh:git") }), head))).toBe("unknown");
  });

  it.each(["rev-list --objects", "cat-file --batch-check", "fsck", "rev-parse --quiet", "update-ref"])(
    "is kept where git is killed at %s",
    async (words) => {
      const head = source.commit("1");
      await mirror.fetch(origin(), head);
      writeFileSync(scratch.in("state/mirror.git/kept"), "");
      scratch.fake("git", `case "$*" in *"${words}"*) kill -KILL $$ ;; esac; PATH=\${PATH#*:} exec git "$@"`);
      const next = source.commit("2");
      // A revision that is nowhere has the whole mirror looked at.
      const asked = words === "fsck" ? "1".repeat(40) : next;
      expect(await reasonOf(mirror.fetch(origin(), asked))).toBe("unknown");
      expect(existsSync(scratch.in("state/mirror.git/kept"))).toBe(true);
    },
  );

  it("removes what a killed git left behind, and no more", async () => {
    await mirror.fetch(origin(), source.commit("1"));
    source.git("branch", "--move", "main", "tmp_a");
    const [lock, ...halves] = [
      "HEAD.lock",
      "objects/pack/tmp_pack_x",
      "objects/pack/.tmp-1-pack-y.pack",
      "objects/tmp_obj_z",
    ];
    for (const name of [lock, ...halves]) writeFileSync(join(mirror.path, name), "half");
    const head = source.commit("2");
    await mirror.fetch(origin({ branch: "tmp_a" }), head);
    for (const name of [lock, ...halves]) expect(existsSync(join(mirror.path, name))).toBe(false);
    await mirror.fetch(origin({ branch: "tmp_a" }), head);
    expect(await mirror.ahead("tmp_a", head)).toBe(0);
  });

  it("gives git's cleanup time, however silent it is", async () => {
    const head = source.commit("1");
    await mirror.fetch(origin(), head);
    process.env["NIXOS_AUTO_UPDATE_FETCH_TIMEOUT"] = String(pace);
    const cleans = `case " $* " in *" gc "*) sleep ${1.5 * pace}; touch ${scratch.in("cleaned")} ;; esac`;
    scratch.fake("git", `${cleans}; PATH=\${PATH#*:} exec git "$@"`);
    await mirror.prune([head]);
    expect(existsSync(scratch.in("cleaned"))).toBe(true);
  });

  it("takes a full disk for what it is, and keeps what it has", async () => {
    const head = source.commit("1");
    await mirror.fetch(origin(), head);
    scratch.fake(
      "git",
      `case "$*" in *"cat-file -e"*|*fetch*) echo 'fatal: write error: No space left on device' >&2; exit 128 ;; esac; PATH=\${PATH#*:} exec git "$@"`,
    );
    expect(await reasonOf(mirror.fetch(origin(), "1".repeat(40)))).toBe("space");
    expect(existsSync(mirror.path)).toBe(true);
  });
});
