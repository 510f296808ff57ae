/** Keys for a flake's private inputs: a real git, as Nix would start it, and servers that refuse every other one. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accessByKeys, type RepositoryKey } from "../../../../agent/credentials/repository-keys";
import { parseKeyPlace } from "../../../../rules/deploy-keys";
import { certificate } from "../../../../local/certificate";
import { httpsGit, type Door } from "../../../../local/https-git";
import { Repository, Scratch } from "../scratch";

const pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => scratch.remove());

/** Keys by their places; a file for each. */
const keysOf = (texts: Record<string, string>): RepositoryKey[] =>
  Object.entries(texts).map(([name, text], index) => {
    const file = scratch.in(`key-${index}`);
    writeFileSync(file, text, { mode: 0o400 });
    return { place: parseKeyPlace(name) ?? expect.fail(name), file };
  });

const envOf = (texts: Record<string, string>, ssh = "ssh -o BatchMode=yes") =>
  accessByKeys(scratch.in("run/access"), ssh, keysOf(texts)).env ?? {};

async function git(args: string[], env: Record<string, string>): Promise<string> {
  const all = { ...process.env, ...env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  const { stdout } = await promisify(execFile)("git", args, { env: all, cwd: scratch.root });
  return stdout;
}

describe("by https", () => {
  let servers: Server[];
  let doors: Record<"libs" | "tools", Door>;
  let host: string;
  let ca: string;

  beforeEach(async () => {
    const tls = certificate(scratch.root, ["localhost"]);
    ca = tls.file;
    doors = { libs: { accepted: "x-access-token:one", shown: [] }, tools: { accepted: "deployer:two", shown: [] } };
    for (const name of ["libs/a.git", "tools/b.git"]) new Repository(scratch.in(`served/${name}`)).commit(name);
    // One host, on which each folder has a token of its own.
    const [libs, tools] = [doors.libs, doors.tools].map((door) => httpsGit(scratch.in("served"), tls, door));
    const front = httpsGit(scratch.in("served"), tls, { accepted: "", shown: [] });
    front.removeAllListeners("request");
    front.on("request", (request: { url: string }, response) =>
      (request.url.startsWith("/libs/") ? libs : tools)?.emit("request", request, response),
    );
    servers = [front];
    await new Promise<void>((resolve) => front.listen(0, "localhost", resolve));
    host = `localhost:${(front.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    for (const server of servers) server.close();
  });

  const asks = (path: string, env: Record<string, string>) =>
    git(["ls-remote", `https://${host}${path}`], { ...env, GIT_SSL_CAINFO: ca });

  it("two repositories of one host are shown a token each, and no other's", async () => {
    const env = envOf({ [`${host}/libs`]: "one\n", [`https://${host}/tools/b.git`]: "deployer:two" });
    expect(await asks("/libs/a.git", env)).toContain("refs/heads/main");
    expect(await asks("/tools/b.git", env)).toContain("refs/heads/main");
    expect([new Set(doors.libs.shown), new Set(doors.tools.shown)]).toEqual([
      new Set(["x-access-token:one"]),
      new Set(["deployer:two"]),
    ]);
  });

  it("the place that names most counts, and a name that only begins alike does not", async () => {
    const env = envOf({ [host]: "two", [`${host}/lib`]: "bad", [`${host}/libs`]: "one" });
    expect(await asks("/libs/a.git", env)).toContain("refs/heads/main");
    await expect(asks("/tools/b.git", env)).rejects.toThrow(/Authentication failed/);
    expect(new Set(doors.tools.shown)).toEqual(new Set(["x-access-token:two"]));
  });

  it("a server that no key is for is shown none", async () => {
    await expect(asks("/libs/a.git", envOf({ "git.example.com": "one" }))).rejects.toThrow(/could not read Username/);
    expect(doors.libs.shown).toEqual([]);
  });

  it("Nix gets the tokens for the archives that it downloads itself, in a file", () => {
    const env = envOf({ "github.com/acme": "x:ghp-1\n", "gitlab.com": "PAT:glpat-2", "git@h:libs": pem });
    const file = /^include (.*)$/m.exec(env["NIX_CONFIG"] ?? "")?.[1] ?? "";
    expect(readFileSync(file, "utf8")).toBe("extra-access-tokens = github.com/acme=ghp-1 gitlab.com=PAT:glpat-2\n");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(env)).not.toMatch(/ghp-1|glpat-2/);
  });
});

describe("by SSH", () => {
  /** The key that ssh got; empty where it got none. */
  async function shown(url: string, env: Record<string, string>): Promise<string> {
    scratch.fake("ssh", `printf '%s\\n' "$*" >${scratch.in("said")}; exit 255`);
    await git(["ls-remote", url], env).catch(() => undefined);
    const said = readFileSync(scratch.in("said"), "utf8");
    expect(said).toMatch(/^-o BatchMode=yes /);
    return /-o IdentitiesOnly=yes -i (\S+)/.exec(said)?.[1] ?? "";
  }

  const texts = {
    "ssh://git@git.example.com/libs": pem,
    "git@git.example.com:tools/b.git": pem,
    "ssh://git@git.example.com:2222": pem,
    "github.com": "token",
  };

  it.each<[string, number | undefined]>([
    ["ssh://git@git.example.com/libs/a.git", 0],
    ["git@git.example.com:libs/a", 0],
    ["ssh://other@GIT.example.com/libs/deep/a", 0],
    ["git@git.example.com:tools/b", 1],
    ["ssh://git@git.example.com/tools/b.git", 1],
    ["ssh://git@git.example.com:2222/tools/b.git", 2],
    ["ssh://git@git.example.com/tools/bb", undefined],
    ["ssh://git@git.example.com/libsx/a", undefined],
    ["git@github.com:acme/a", undefined],
  ])("%s is shown key %s", async (url, index) => {
    expect(await shown(url, envOf(texts))).toBe(index === undefined ? "" : scratch.in(`key-${index}`));
  });

  it("names with the shell's own characters are names", async () => {
    const env = envOf({ "ssh://git@h/$(touch${IFS}x)*`id`;": pem });
    expect(await shown("ssh://git@h/$(touch${IFS}x)*`id`;", env)).toBe(scratch.in("key-0"));
    expect(await shown("ssh://git@h/$(touch${IFS}x)yy`id`;", env)).toBe("");
    expect(existsSync(scratch.in("x"))).toBe(false);
    expect(await shown("ssh://git@h/other", env)).toBe("");
  });
});

it.each<Record<string, string>>([{}, { "github.com": "token" }])(
  "a server that sends nothing for two minutes is given up",
  (texts) => {
    expect(envOf(texts)).toMatchObject({ GIT_HTTP_LOW_SPEED_LIMIT: "1", GIT_HTTP_LOW_SPEED_TIME: "120" });
  },
);

it.each(["", "http://h/x", "git://h/x", "-x", "https://user:password@h/x", "h x", "/srv/git"])(
  "%s is no place for a key",
  (text) => {
    expect(parseKeyPlace(text)).toBeUndefined();
  },
);
