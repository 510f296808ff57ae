/** What a private repository asks for: a real git, a server that lets nobody in without it, and Secret Manager as far as a VM asks it. */
import { execFile, execFileSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench } from "./bash";
import { certificate, httpsGit, type Door } from "../cli/https-git";

const secret = "projects/acme/secrets/config";
const parts = ["log", "files", "git", "credentials", "secrets"];

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  // Answers as Secret Manager does, with what lies in a file; who does not show the token on a header of its own is sent away.
  bench.fake(
    "curl",
    `[[ $* == *"/v1/${secret}/versions/latest:access"* && $(cat "\${@:$#-1:1}" 2>/dev/null; for word; do [[ $word != @* ]] || cat "\${word#@}"; done) == 'Authorization: Bearer vm-token' ]] || exit 22
    if [[ -e ${bench.path("secret")} ]]; then printf '{"payload":{"data":"%s"}}' "$(base64 --wrap=0 ${bench.path("secret")})"
    else echo '{"error":{"message":"Permission denied on the secret"}}'; fi`,
  );
});
afterEach(() => bench.remove());

const keep = (text: string) => writeFileSync(bench.path("secret"), text);

/** What the drivers of the agents would bring. */
const driver = (url: string, more = "") => `
  vm_token() { echo vm-token; }
  setting() { case $1 in deployKeySecret) echo ${secret} ;; *) ;; esac; }
  driver_repository() { echo '${url}'; }
  driver_credential() { machine_credential; }
  driver_renew() { renew_machine_credential; }
  git_pause=0 git_protocols=http:https:ssh:file owner=$(id -un)
  chown() { :; }
  ${more}`;

/** Runs without blocking this process, which serves. */
async function run(
  url: string,
  script: string,
  more = "",
): Promise<{ status: number; stdout: string; stderr: string }> {
  const program = bench.program(parts, `${driver(url, more)}\n${script}`);
  try {
    return { status: 0, ...(await promisify(execFile)("bash", ["-c", program], { env: bench.env })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----";

describe("a secret", () => {
  const fetch = (url: string) =>
    run(url, `fetch_secret ${secret} ${url} "$run_dir/credential" root || { echo "$secret_error"; exit 1; }`);
  const file = () => readFileSync(bench.path("run/credential"), "utf8");

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
    expect(await fetch(url)).toMatchObject({ status: 0, stdout: "" });
    expect(file()).toBe(written);
    expect(statSync(bench.path("run/credential")).mode & 0o777).toBe(0o400);
    // The same once more is no news.
    expect(await fetch(url)).toMatchObject({ status: 1, stdout: "\n" });
  });

  it.each([
    [
      "no key",
      "ssh://git@example.com/x",
      "glpat-1",
      `${secret} holds no SSH private key, which ssh://git@example.com/x asks for`,
    ],
    ["no token", "https://example.com/x", key, `${secret} holds no token, which https://example.com/x asks for`],
    ["for a way that anybody reads", "http://example.com/x", "glpat-1", "http://example.com/x would carry it in clear"],
    ["for another", "git://example.com/x", key, "git://example.com/x would carry it in clear"],
    ["not for this VM", "https://example.com/x", undefined, `${secret} cannot be had: Permission denied on the secret`],
  ])("that is %s is named, not used, and not shown", async (_, url, text, why) => {
    if (text !== undefined) keep(text);
    const { status, stdout, stderr } = await fetch(url);
    expect(status).toBe(1);
    expect(stdout).toContain(why);
    expect(stdout + stderr).not.toContain("glpat-1");
    expect(() => file()).toThrow();
  });
});

describe("a repository by https", () => {
  let server: Server;
  let head: string;
  let door: Door;
  let url: string;

  beforeEach(async () => {
    const origin = bench.path("origin.git");
    execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", origin]);
    const git = ["-C", origin, "-c", "user.name=a", "-c", "user.email=a@example.com"];
    const tree = execFileSync("git", [...git, "mktree"], { input: "", encoding: "utf8" }).trim();
    head = execFileSync("git", [...git, "commit-tree", tree, "-m", "one"], { encoding: "utf8" }).trim();
    execFileSync("git", [...git, "update-ref", "refs/heads/main", head]);
    door = { accepted: "", shown: [] };
    server = httpsGit(bench.root, certificate(bench.root, ["localhost"]), door);
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    url = `https://localhost:${(server.address() as AddressInfo).port}/origin.git`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const trust = () => `export GIT_SSL_CAINFO=${bench.path("tls.crt")}`;
  const look = (more = "") => run(url, `${trust()}\nuse_credential\nmirror_head ${url} main`, more);

  it("gets the token, and nobody else does", async () => {
    keep("glpat-1");
    door.accepted = "x-access-token:glpat-1";
    expect(await look()).toEqual({ status: 0, stdout: `${head}\n`, stderr: "" });
    // A helper that was set up for another server.
    door.shown = [];
    const script = `${trust()}
      driver_repository() { echo https://localhost:1/origin.git; }; use_credential; mirror_head ${url} main`;
    expect((await run(url, script)).status).not.toBe(0);
    expect(door.shown).toEqual([]);
  });

  it("counts as reachable after a boot, before anything was fetched in this run", async () => {
    keep("glpat-1");
    door.accepted = "x-access-token:glpat-1";
    const script = `${trust()}\ndriver_branch() { echo main; }; . "$agent_dir/health.bash"; repository_answers`;
    expect(await run(url, script)).toMatchObject({ status: 0 });
  });

  it("gets the user's name where the secret says one", async () => {
    keep("deploy-7:gldt-1");
    door.accepted = "deploy-7:gldt-1";
    expect(await look()).toMatchObject({ status: 0, stdout: `${head}\n` });
  });

  it("is fetched from, and git keeps the token nowhere", async () => {
    keep("glpat-1");
    door.accepted = "x-access-token:glpat-1";
    writeFileSync(bench.path("gitconfig"), "[credential]\n\thelper = store\n");
    const script = `${trust()}; export GIT_CONFIG_GLOBAL=${bench.path("gitconfig")}; use_credential; mirror_fetch "$mirror" ${url} main ${head}`;
    expect(await run(url, script)).toMatchObject({ status: 0 });
    expect(() =>
      execFileSync("grep", ["-rl", "glpat-1", bench.path("state"), bench.path(".git-credentials")]),
    ).toThrow();
  });

  it("that takes another token by now is given that one", async () => {
    keep("glpat-1");
    door.accepted = "x-access-token:glpat-1";
    await look();
    keep("glpat-2");
    door.accepted = "x-access-token:glpat-2";
    const { status, stdout, stderr } = await look();
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${head}\n` });
    expect(stderr).toContain("was rotated; using the new one");
    expect(stderr).not.toContain("glpat");
  });

  it("that refuses is not asked again in this run, and is reported in words", async () => {
    keep("glpat-1");
    door.accepted = "x-access-token:glpat-2";
    const { status, stdout, stderr } = await look();
    expect(status).toBe(128);
    expect(stdout).toBe(`fatal: Authentication failed for '${url}/'\n`);
    expect(stderr).toBe("");
    expect(door.shown).toHaveLength(1);
  });

  it("without a token is reported as what it is", async () => {
    door.accepted = "x-access-token:glpat-2";
    const { status, stdout, stderr } = await look();
    expect(status).toBe(128);
    expect(stdout).toContain("could not read Username");
    expect(stderr).toContain(`${secret} cannot be had: Permission denied on the secret`);
  });
});

describe("a repository by ssh", () => {
  const url = "ssh://git@example.com/config.git";
  /** An ssh that lets in who shows a certain key, and keeps how it was called. */
  const sshd = (accepted: string) =>
    bench.fake(
      "ssh",
      `printf '%s\\n' "$*" >${bench.path("called")}
      while (($#)); do [[ $1 != -i ]] || grep -q '${accepted}' "$2" || { echo "git@example.com: Permission denied (publickey)." >&2; exit 255; }; shift; done
      exec git upload-pack ${bench.path("origin.git")}`,
    );

  beforeEach(() => {
    execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", bench.path("origin.git")]);
  });

  const look = (more = "") => run(url, `use_credential\nmirror_head ${url} main`, more);

  it("that takes another key by now is given that one", async () => {
    keep(key);
    sshd("abc");
    // An empty repository has no such branch.
    expect((await look()).status).toBe(2);
    keep(key.replace("abc", "def"));
    sshd("def");
    const { status, stderr } = await look();
    expect(status).toBe(2);
    expect(stderr).toContain("was rotated; using the new one");
  });

  it("that refuses is reported in ssh's words", async () => {
    keep(key);
    sshd("def");
    expect(await look()).toMatchObject({ status: 128, stdout: "git@example.com: Permission denied (publickey).\n" });
  });

  it("must be the host whose keys are pinned, whoever else root knows", async () => {
    keep(key);
    sshd("abc");
    await look(
      `setting() { case $1 in knownHosts) echo 'example.com ssh-ed25519 AAAA' ;; deployKeySecret) echo ${secret} ;; esac; }`,
    );
    const called = readFileSync(bench.path("called"), "utf8");
    expect(called).toContain(
      `-o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile=${bench.path("run/known_hosts")}`,
    );
    expect(called).toContain(`-o IdentitiesOnly=yes -i ${bench.path("run/credential")}`);
    expect(readFileSync(bench.path("run/known_hosts"), "utf8")).toBe("example.com ssh-ed25519 AAAA\n");
  });
});

describe("a home's", () => {
  const user = execFileSync("id", ["-un"], { encoding: "utf8" }).trim();
  const url = "https://example.com/home.git";
  const homes = (list: object[]) => JSON.stringify({ homes: list });
  const home = { user, attribute: user, repository: url, deployKeySecret: secret };

  async function handOver(list: object[], script = ""): Promise<string> {
    writeFileSync(bench.path("run/homes.json"), homes(list));
    const program = `contract_home_credentials=$run_dir/handed; . "$agent_dir/home-credentials.bash"; is_user_name() { [[ $1 == ${user} || $1 == nobody-there ]]; }
      ${script || 'hand_over_credentials "$(<"$run_dir/homes.json")"'}`;
    const { status, stderr } = await run(url, program);
    expect(status, stderr).toBe(0);
    return stderr;
  }
  const handed = (name: string) => readFileSync(bench.path(`run/handed/${user}/${name}`), "utf8");

  it("is handed over to who is there, and taken back", async () => {
    keep("glpat-1");
    await handOver([home, { ...home, user: "nobody-there" }, { ...home, user: "x y" }]);
    expect(handed("credential")).toBe("glpat-1\n");
    expect(statSync(bench.path(`run/handed/${user}/credential`)).mode & 0o777).toBe(0o400);
    expect(execFileSync("ls", [bench.path("run/handed")], { encoding: "utf8" })).toBe(`${user}\n`);
    await handOver([{ user, attribute: user }]);
    expect(() => handed("credential")).toThrow();
  });

  it("is not asked for where no home has one", async () => {
    await handOver([{ user, attribute: user, repository: url }]);
    expect(() => statSync(bench.path("run/handed"))).toThrow();
  });

  it("says why there is none, until there is one", async () => {
    await handOver([home]);
    expect(handed("error")).toBe(`${secret} cannot be had: Permission denied on the secret\n`);
    keep("glpat-1");
    await handOver([home]);
    expect(handed("credential")).toBe("glpat-1\n");
    expect(() => handed("error")).toThrow();
  });

  it("is handed over anew after a refusal", async () => {
    keep("glpat-1");
    await handOver([home]);
    keep("glpat-2");
    await handOver([home]);
    expect(handed("credential")).toBe("glpat-1\n");
    expect(await handOver([home], `hand_over_anew ${user}`)).toContain("handed over what its repository asks for");
    expect(handed("credential")).toBe("glpat-2\n");
  });
});
