/** Credentials of private repositories: a real git, a server that refuses requests without them, and a stand-in for Secret Manager. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { credentialKind } from "../../../../agent/credentials/credentials";
import { GitError } from "../../../../agent/git/git";
import { handOverAll, refreshCredential } from "../../../../agent/credentials/handover";
import { MachineCredentials } from "../../../../agent/credentials/machine-credentials";
import type { MetadataServer } from "../../../../agent/metadata-server";
import { answers, branchHead, Mirror, type Origin } from "../../../../agent/git/mirror";
import { fetchSecret } from "../../../../agent/credentials/secrets";
import { certificate } from "../../../../local/certificate";
import { httpsGit, type Door } from "../../../../local/https-git";
import { Google } from "../google";
import { Scratch } from "../scratch";

const secret = "projects/acme/secrets/config";

let scratch: Scratch;
let google: Google;
let metadata: MetadataServer;
beforeEach(async () => {
  scratch = new Scratch();
  google = await Google.start({ apis: false });
  metadata = google.metadataServer();
  // Answers as Secret Manager does, with the content of a file. Refuses a request whose header does not have the token.
  scratch.fake(
    "curl",
    `config=$(cat)
    grep -qx 'url = ".*/v1/${secret}/versions/latest:access"' <<<"$config" || exit 22
    grep -qx 'header = "Authorization: Bearer vm-token"' <<<"$config" || exit 22
    if [[ -e ${scratch.in("secret")} ]]; then printf '{"payload":{"data":"%s"}}' "$(base64 --wrap=0 ${scratch.in("secret")})"
    else echo '{"error":{"message":"Permission denied on the secret"}}'; fi`,
  );
});
afterEach(() => {
  vi.unstubAllEnvs();
  google.stop();
  scratch.remove();
});

const keep = (text: string) => writeFileSync(scratch.in("secret"), text);

/** Where a machine fetches from, as each of its runs finds out. */
const originOf = (url: string, more: object = {}): Promise<Origin> =>
  new MachineCredentials(scratch.in("run"), metadata).origin({
    repository: url,
    branch: "main",
    deployKeySecret: secret,
    ...more,
  });

/** The head of its branch; why it cannot be had, where it cannot. */
const look = async (url: string, more: object = {}): Promise<string> =>
  branchHead(await originOf(url, more)).catch((error: unknown) => {
    if (error instanceof GitError) return `${error.reason}: ${error.message}`;
    throw error;
  });

const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----";

describe("a secret", () => {
  const file = () => scratch.in("run/credential");
  const fetch = (url: string) => fetchSecret(metadata, { secret, place: url, kind: credentialKind(url), file: file() });

  it.each([
    ["a key", "ssh://git@example.com/config.git", key, `${key}\n`],
    [
      "a key with what an editor left in it",
      "git@example.com:config.git",
      `${key.replaceAll("\n", "\r\n")}\n\n`,
      `${key}\n`,
    ],
    ["a token", "https://example.com/config.git", "glpat-1\n", "glpat-1\n"],
  ])("is put into a file that its owner alone reads: %s", async (_, url, text, written) => {
    keep(text);
    expect(await fetch(url)).toBe(true);
    expect(readFileSync(file(), "utf8")).toBe(written);
    expect(statSync(file()).mode & 0o777).toBe(0o400);
    // The same key again is no change.
    expect(await fetch(url)).toBe(false);
  });

  it.each([
    [
      "no key",
      "ssh://git@example.com/x",
      "glpat-1",
      `${secret} holds no SSH private key, which ssh://git@example.com/x asks for`,
    ],
    ["no token", "https://example.com/x", key, `${secret} holds no token, which https://example.com/x asks for`],
    ["for a way that anyone reads", "http://example.com/x", "glpat-1", "http://example.com/x would carry it in clear"],
    ["for another", "git://example.com/x", key, "git://example.com/x would carry it in clear"],
    [
      "not for this VM",
      "https://example.com/x",
      undefined,
      `cannot read the secret ${secret}: Permission denied on the secret`,
    ],
  ])("that is %s is named, not used, and not shown", async (_, url, text, why) => {
    if (text !== undefined) keep(text);
    const error: unknown = await fetch(url).catch((problem: unknown) => problem);
    expect(String(error)).toContain(why);
    expect(String(error)).not.toContain("glpat-1");
    expect(existsSync(file())).toBe(false);
  });
});

describe("a repository by https", () => {
  let server: Server;
  let head: string;
  let door: Door;
  let url: string;

  beforeEach(async () => {
    const origin = scratch.in("origin.git");
    execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", origin]);
    const git = ["-C", origin, "-c", "user.name=a", "-c", "user.email=a@example.com"];
    const tree = execFileSync("git", [...git, "mktree"], { input: "", encoding: "utf8" }).trim();
    head = execFileSync("git", [...git, "commit-tree", tree, "-m", "one"], { encoding: "utf8" }).trim();
    execFileSync("git", [...git, "update-ref", "refs/heads/main", head]);
    door = { accepted: "", shown: [] };
    server = httpsGit(scratch.root, certificate(scratch.root, ["localhost"]), door);
    vi.stubEnv("GIT_SSL_CAINFO", scratch.in("tls.crt"));
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    url = `https://localhost:${(server.address() as AddressInfo).port}/origin.git`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it("gets the token, and no one else does", async () => {
    keep("glpat-1");
    door.accepted = "x-access-token:glpat-1";
    expect(await look(url)).toBe(head);
    // With what was set up for another server.
    door.shown = [];
    const { access } = await originOf("https://localhost:1/origin.git");
    await expect(branchHead({ url, branch: "main", access, renew: () => Promise.resolve(undefined) })).rejects.toThrow(
      "could not read Username",
    );
    expect(door.shown).toEqual([]);
  });

  it("counts as reachable after a boot, before anything was fetched in this run", async () => {
    keep("glpat-1");
    door.accepted = "x-access-token:glpat-1";
    expect(await answers(await originOf(url))).toBe(true);
  });

  it("gets the user's name where the secret says one", async () => {
    keep("deploy-7:gldt-1");
    door.accepted = "deploy-7:gldt-1";
    expect(await look(url)).toBe(head);
  });

  it("is fetched from, and git keeps the token nowhere", async () => {
    keep("glpat-1");
    door.accepted = "x-access-token:glpat-1";
    writeFileSync(scratch.in(".gitconfig"), "[credential]\n\thelper = store\n");
    const mirror = new Mirror(scratch.in("state/mirror.git"));
    await mirror.fetch(await originOf(url), head);
    expect(await mirror.has(head)).toBe(true);
    const found = () => execFileSync("grep", ["-rl", "glpat-1", scratch.root], { encoding: "utf8" }).trim().split("\n");
    expect(found().sort()).toEqual([scratch.in("run/credential"), scratch.in("secret")]);
  });

  it("that takes another token by now is given that one", async () => {
    keep("glpat-1");
    door.accepted = "x-access-token:glpat-1";
    await look(url);
    keep("glpat-2");
    door.accepted = "x-access-token:glpat-2";
    expect(await look(url)).toBe(head);
    expect(scratch.log).toContain("was rotated; using the new one");
    expect(scratch.log).not.toContain("glpat");
  });

  it("that refuses is not asked again in this run, and is reported in words", async () => {
    keep("glpat-1");
    door.accepted = "x-access-token:glpat-2";
    expect(await look(url)).toBe(`refused: fatal: Authentication failed for '${url}/'`);
    expect(scratch.log).toBe("");
    expect(door.shown).toHaveLength(1);
  });

  it("without a token is reported as what it is", async () => {
    door.accepted = "x-access-token:glpat-2";
    const credentials = new MachineCredentials(scratch.in("run"), metadata);
    await credentials.origin({ repository: url, branch: "main", deployKeySecret: secret });
    expect(credentials.problem).toBe(`cannot read the secret ${secret}: Permission denied on the secret`);
    expect(await look(url)).toContain("could not read Username");
  });
});

describe("a repository by ssh", () => {
  const url = "ssh://git@example.com/config.git";
  /** An ssh that lets in who shows a certain key, and keeps how it was called. */
  const sshd = (accepted: string) =>
    scratch.fake(
      "ssh",
      `printf '%s\\n' "$*" >${scratch.in("called")}
      while (($#)); do [[ $1 != -i ]] || grep -q '${accepted}' "$2" || { echo "git@example.com: Permission denied (publickey)." >&2; exit 255; }; shift; done
      exec git upload-pack ${scratch.in("origin.git")}`,
    );
  const empty = "absent: git ended with status 2";

  beforeEach(() => {
    execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", scratch.in("origin.git")]);
  });

  it("that takes another key by now is given that one", async () => {
    keep(key);
    sshd("abc");
    // An empty repository has no such branch.
    expect(await look(url)).toBe(empty);
    keep(key.replace("abc", "def"));
    sshd("def");
    expect(await look(url)).toBe(empty);
    expect(scratch.log).toContain("was rotated; using the new one");
  });

  it("that refuses is reported in ssh's words", async () => {
    keep(key);
    sshd("def");
    expect(await look(url)).toBe("refused: git@example.com: Permission denied (publickey).");
  });

  it("that lets the machine in and refuses then is asked again with another key, and reported in its own words", async () => {
    keep(key);
    scratch.fake("ssh", 'echo "remote: ERROR: The project you were looking for could not be found" >&2; exit 1');
    expect(await look(url)).toBe("refused: remote: ERROR: The project you were looking for could not be found");
    scratch.fake(
      "ssh",
      `while (($#)); do [[ $1 != -i ]] || grep -q def "$2" || { echo "Gitea: Unauthorized" >&2; exit 1; }; shift; done
      exec git upload-pack ${scratch.in("origin.git")}`,
    );
    keep(key.replace("abc", "def"));
    expect(await look(url)).toBe(empty);
  });

  it("that falls silent is given up: ssh looks every few seconds whether it is there", async () => {
    keep(key);
    sshd("abc");
    await look(url);
    expect(readFileSync(scratch.in("called"), "utf8")).toContain("-o ServerAliveInterval=15 -o ServerAliveCountMax=4");
  });

  it("must be the host whose keys are pinned, whoever else root knows", async () => {
    keep(key);
    sshd("abc");
    await look(url, { knownHosts: "example.com ssh-ed25519 AAAA" });
    const called = readFileSync(scratch.in("called"), "utf8");
    expect(called).toContain(
      `-o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile=${scratch.in("run/known_hosts")}`,
    );
    expect(called).toContain(`-o IdentitiesOnly=yes -i ${scratch.in("run/credential")}`);
    expect(readFileSync(scratch.in("run/known_hosts"), "utf8")).toBe("example.com ssh-ed25519 AAAA\n");
  });
});

describe("a home's", () => {
  const user = execFileSync("id", ["-un"], { encoding: "utf8" }).trim();
  const home = { user, attribute: user, repository: "https://example.com/home.git", deployKeySecret: secret };
  const folder = () => scratch.in("run/handed");
  const handOver = (homes: Parameters<typeof handOverAll>[1]) => handOverAll(metadata, homes, folder());
  const handed = (name: string) => readFileSync(`${folder()}/${user}/${name}`, "utf8");

  it("is handed over to who is there, and taken back", async () => {
    keep("glpat-1");
    await handOver([home, { ...home, user: "nobody-there" }, { ...home, user: "x y" }]);
    expect(handed("credential")).toBe("glpat-1\n");
    expect(statSync(`${folder()}/${user}/credential`).mode & 0o777).toBe(0o400);
    expect(readdirSync(folder())).toEqual([user]);
    await handOver([{ user, attribute: user }]);
    expect(readdirSync(folder())).toEqual([]);
  });

  it("is not asked for where no home has one", async () => {
    await handOver([{ user, attribute: user, repository: home.repository }]);
    expect(existsSync(folder())).toBe(false);
  });

  it("says why there is none, until there is one", async () => {
    await handOver([home]);
    expect(handed("error")).toBe(`cannot read the secret ${secret}: Permission denied on the secret\n`);
    keep("glpat-1");
    await handOver([home]);
    expect(handed("credential")).toBe("glpat-1\n");
    expect(() => handed("error")).toThrow();
  });

  it("is taken back where the home's repository is another one, until that one's can be had", async () => {
    keep("glpat-1");
    await handOver([home]);
    const moved = { ...home, repository: "https://example.org/home.git" };
    rmSync(scratch.in("secret"));
    await handOver([moved]);
    expect(() => handed("credential")).toThrow("ENOENT");
    keep("glpat-2");
    await handOver([moved]);
    expect(handed("credential")).toBe("glpat-2\n");
  });

  it("is fetched again after a refusal, ten times an hour at most", async () => {
    keep("glpat-1");
    await handOver([home]);
    keep("glpat-2");
    await handOver([home]);
    expect(handed("credential")).toBe("glpat-1\n");
    await refreshCredential(metadata, home, folder());
    expect(scratch.log).toContain("handed over the key or token of its repository");
    expect(handed("credential")).toBe("glpat-2\n");
    for (let count = 1; count < 10; count++) await refreshCredential(metadata, home, folder());
    keep("glpat-3");
    await refreshCredential(metadata, home, folder());
    expect(handed("credential")).toBe("glpat-2\n");
  });
});
