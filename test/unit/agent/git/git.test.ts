/** git as the agent runs it: its limits, its tries, and the configuration that it has. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { git, remoteAccess } from "../../../../agent/git/git";
import { branchHead, type Origin } from "../../../../agent/git/mirror";
import { originOf } from "./origin";
import { reasonOf } from "./reason";
import { pace } from "../../../setup/pace";
import { Repository, Scratch } from "../scratch";

let scratch: Scratch;
let source: Repository;

beforeEach(() => {
  scratch = new Scratch();
  source = new Repository(scratch.in("origin"));
});
afterEach(() => {
  delete process.env["NIXOS_AUTO_UPDATE_FETCH_TIMEOUT"];
  scratch.remove();
});

const origin = (more?: Partial<Origin>) => originOf(source.url, more);

describe("git", () => {
  const ask = () => reasonOf(branchHead(origin()));
  /** Notes a call, unless it asks for the site's settings. */
  const count = () => `[ "$1" = config ] || echo x >>${scratch.in("tries")}`;
  const tries = () => readFileSync(scratch.in("tries"), "utf8");

  it("is tried again after a failure that may pass, and given up", async () => {
    scratch.fake("git", `${count()}; echo 'fatal: unable to connect to git.internal' >&2; exit 128`);
    expect(await ask()).toBe("network");
    expect(tries()).toBe("x\nx\nx\nx\nx\n");
  });

  it("that says a revision is not there has answered", async () => {
    const text = "fatal: remote error: upload-pack: not our ref 1234";
    scratch.fake("git", `${count()}; echo '${text}' >&2; exit 128`);
    expect(await ask()).toBe("absent");
    expect(tries()).toBe("x\n");
  });

  it("that hangs is ended, and one that goes on speaking is not", async () => {
    process.env["NIXOS_AUTO_UPDATE_FETCH_TIMEOUT"] = String(pace);
    scratch.fake("git", "exec sleep 60");
    const error: unknown = await branchHead(origin()).catch((problem: unknown) => problem);
    expect(error).toMatchObject({ message: `no answer within ${Math.round(pace)} s` });
    const head = "a".repeat(40);
    scratch.fake(
      "git",
      `for i in 1 2 3 4 5; do sleep ${0.4 * pace}; printf 'Receiving\\r' >&2; done; printf '${head}\\trefs/heads/main\\n'`,
    );
    expect(await branchHead(origin())).toBe(head);
  });

  it("that a server refuses is tried again with another key, where there is one", async () => {
    scratch.fake(
      "git",
      `[ "$GIT_SSH_COMMAND" = new ] && { printf '${"b".repeat(40)}\\trefs/heads/main\\n'; exit; }; echo 'git@x: Permission denied (publickey).' >&2; exit 128`,
    );
    expect(await ask()).toBe("refused");
    const renew = () => Promise.resolve({ ...remoteAccess("file"), ssh: "new" });
    expect(await branchHead(origin({ renew }))).toBe("b".repeat(40));
  });

  it("uses no one's configuration but for how a site reaches the outside", async () => {
    writeFileSync(
      scratch.in("gitconfig"),
      "[http]\n\tproxy = http://proxy:3128\n\textraHeader = secret\n[alias]\n\tx = y\n",
    );
    process.env["HOME"] = scratch.root;
    writeFileSync(scratch.in(".gitconfig"), readFileSync(scratch.in("gitconfig")));
    const { stdout } = await git(["config", "--list"], { access: remoteAccess("https") });
    expect(stdout).toContain("http.proxy=http://proxy:3128");
    expect(stdout).not.toMatch(/secret|alias/);
  });

  it("shows no proxy's password on its command line", async () => {
    const real = execFileSync("which", ["git"], { encoding: "utf8" }).trim();
    scratch.fake("git", `echo "$*" >>${scratch.in("arguments")}; exec ${real} "$@"`);
    const proxy = "http://u:secret@proxy:3128";
    writeFileSync(scratch.in(".gitconfig"), `[http]\n\tproxy = ${proxy}\n[http "https://a.b"]\n\tproxy = ${proxy}\n`);
    const { stdout } = await git(["config", "--list"], { access: remoteAccess("https") });
    expect(stdout).toContain(`http.proxy=${proxy}\nhttp.https://a.b.proxy=${proxy}\n`);
    expect(readFileSync(scratch.in("arguments"), "utf8")).not.toContain("secret");
  });
});
