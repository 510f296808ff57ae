/** What a real Nix says of failures that can be provoked, and what the agent takes each for. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evaluationArguments } from "../../agent/nix/nix";
import { image } from "../../nix/tests/image";
import { evaluationFailure, type FailureCause } from "../../rules/decision/failure";
import { Repository } from "../unit/agent/scratch";
import { runNix } from "./real-nix";

const root = mkdtempSync(join(tmpdir(), "failures-"));
const LOST = "1".repeat(40);
let server: Server;
let http: string;
let git: Repository;

beforeAll(async () => {
  // /429 is answered with 429; /cut ends in the middle; /wrong is another file than was locked; /limit is GitHub's.
  server = createServer((request, response) => {
    const path = (request.url ?? "").slice(1);
    if (path === "cut") {
      response.writeHead(200, { "content-length": "1000" }).write("x");
      setTimeout(() => response.destroy(), 100);
    } else if (path === "wrong") response.end("another text");
    else if (path === "limit") response.writeHead(403).end('{"message":"API rate limit exceeded for 192.0.2.1."}');
    else response.writeHead(Number(path)).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  http = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  git = new Repository(join(root, "git"));
  git.commit("1", "what");
  mkdirSync(join(root, "empty"));
  writeFileSync(join(root, "empty/x"), "");
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(root, { recursive: true });
});

const hash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const fetchUrl = (url: string) => `builtins.fetchTree { type = "file"; url = "${url}"; narHash = "${hash}"; }`;
const fetchGit = (url: string, rev: string) => `builtins.fetchGit { url = "${url}"; ref = "main"; rev = "${rev}"; }`;

interface Provoked {
  expression: () => string;
  env?: Record<string, string>;
  prepare?: string;
  cause: FailureCause;
}

const provoked: Record<string, Provoked> = {
  "an error of the configuration's": { expression: () => "{ }.missing", cause: "revision" },
  "a server that has no such file": { expression: () => fetchUrl(`${http}/404`), cause: "revision" },
  "a server that wants to be asked later": { expression: () => fetchUrl(`${http}/429`), cause: "network" },
  "a server in trouble": { expression: () => fetchUrl(`${http}/503`), cause: "network" },
  "a limit of requests": { expression: () => fetchUrl(`${http}/limit`), cause: "network" },
  "a server that wants a token": { expression: () => fetchUrl(`${http}/401`), cause: "refused" },
  "a transfer that is cut": { expression: () => fetchUrl(`${http}/cut`), cause: "network" },
  "a file that is not the locked one": { expression: () => fetchUrl(`${http}/wrong`), cause: "revision" },
  "a name that does not resolve": { expression: () => fetchUrl("http://nowhere.invalid/x"), cause: "network" },
  "a server that is not there": { expression: () => fetchUrl("http://127.0.0.1:1/x"), cause: "network" },
  "a git server that is not there": { expression: () => fetchGit("git://127.0.0.1:1/x", LOST), cause: "network" },
  "a git server whose name does not resolve": {
    expression: () => fetchGit("https://nowhere.invalid/x", LOST),
    cause: "network",
  },
  "a commit that its repository does not have": {
    expression: () => fetchGit(`file://${git.folder}`, LOST),
    cause: "absent",
  },
  "a Nix daemon that is gone": {
    expression: () => `builtins.readFile (builtins.path { path = ${join(root, "empty")}; } + "/y")`,
    env: { NIX_REMOTE: "daemon" },
    cause: "busy",
  },
  "a store without space": {
    expression: () => `builtins.path { path = /usr/bin; name = "much"; }`,
    prepare:
      "mkdir -p full && mount -t tmpfs -o size=2m tmpfs full && mkdir -p full/upper full/work && mount -t overlay overlay -o lowerdir=nix/store,upperdir=full/upper,workdir=full/work nix/store",
    cause: "space",
  },
  "a database that is read-only": {
    expression: () => `builtins.path { path = /etc; name = "some"; }`,
    prepare: "mount --bind nix/var nix/var && mount -o remount,bind,ro nix/var",
    cause: "space",
  },
};

describe.skipIf(image === undefined)("Nix", () => {
  it.each(Object.entries(provoked))(
    "says of %s what the agent knows",
    async (_, { expression, env, prepare, cause }) => {
      // Without what Nix itself tries again for minutes.
      const options = ["--option", "download-attempts", "1", "--option", "connect-timeout", "5"];
      const ended = await runNix(["eval", "--impure", ...options, "--expr", expression()], env, prepare);
      expect(ended.status, ended.stdout).not.toBe(0);
      expect(evaluationFailure({ ...ended, text: ended.stderr }), `${ended.status}: ${ended.stderr}`).toBe(cause);
    },
  );

  it.each([
    ["does not have", `{ "nodes": { "root": {} }, "root": "root", "version": 7 }`],
    ["could have, if there were one", undefined],
  ])("fails for an input that the lock %s, and the revision is at fault", async (_, lock) => {
    const folder = mkdtempSync(join(root, "locks-"));
    const input = join(folder, "input");
    mkdirSync(input);
    writeFileSync(join(input, "flake.nix"), "{ outputs = _: { }; }");
    const flake = new Repository(join(folder, "flake"));
    if (lock !== undefined) flake.commit(lock);
    const outputs = `outputs = { self, input }: { x.drvPath = "/nix/store/x.drv"; };`;
    const revision = flake.commit(`{ inputs.input.url = "path:${input}"; ${outputs} }`, "flake.nix");
    const installable = `git+file://${flake.folder}?ref=main&rev=${revision}#x.drvPath`;
    const ended = await runNix(evaluationArguments(installable));
    expect(ended.status, ended.stderr).not.toBe(0);
    expect(ended.stderr).toContain("lock file");
    expect(evaluationFailure({ ...ended, text: ended.stderr })).toBe("revision");
  });
});
