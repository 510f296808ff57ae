/** Two private repositories as a flake's inputs, for a real Nix: each with a token of its own, for one run, and in no place that shows it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { archive } from "../../agent/nix/inputs";
import { run } from "../../agent/host/process";
import { accessByKeys } from "../../agent/credentials/repository-keys";
import { image } from "../../nix/tests/image";
import { parseKeyPlace } from "../../rules/deploy-keys";
import { evaluationFailure } from "../../rules/decision/failure";
import { patience } from "../setup/pace";
import { Repository } from "../unit/agent/scratch";
import { certificate } from "../../local/certificate";
import { httpsGit, type Door } from "../../local/https-git";
import { installNix, runNix, type NixEnd } from "./real-nix";

const root = mkdtempSync(join(tmpdir(), "deploy-keys-"));
const doors: Record<"libs" | "tools", Door> = {
  libs: { accepted: "x-access-token:token-one", shown: [] },
  tools: { accepted: "deployer:token-two", shown: [] },
};
let server: Server;
let host: string;
let ca: string;

beforeAll(async () => {
  const tls = certificate(root, ["localhost"]);
  ca = tls.file;
  const served = join(root, "served");
  for (const name of ["libs/a.git", "tools/b.git"]) {
    mkdirSync(join(served, name), { recursive: true });
    new Repository(join(served, name)).commit(name, "what");
  }
  const [libs, tools] = [httpsGit(served, tls, doors.libs), httpsGit(served, tls, doors.tools)];
  server = createServer(tls, (request, response) => {
    (request.url?.startsWith("/libs/") === true ? libs : tools).emit("request", request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  host = `localhost:${(server.address() as AddressInfo).port}`;
  mkdirSync(join(root, "flake"));
  writeFileSync(
    join(root, "flake/flake.nix"),
    `{
      inputs.a = { url = "git+https://${host}/libs/a.git"; flake = false; };
      inputs.b = { url = "git+https://${host}/tools/b.git"; flake = false; };
      outputs = { self, a, b }: { what = builtins.readFile (a + "/what") + " " + builtins.readFile (b + "/what"); };
    }`,
  );
});
afterAll(() => {
  server.close();
  rmSync(root, { recursive: true });
});

/** What gives Nix these tokens. */
function access(tokens: Record<string, string>): Record<string, string> {
  const keys = Object.entries(tokens).map(([name, text], index) => {
    const file = join(root, `key-${index}`);
    writeFileSync(file, `${text}\n`);
    return { place: parseKeyPlace(name) ?? expect.fail(name), file };
  });
  const { env } = accessByKeys(join(root, "access"), "ssh", keys);
  expect(JSON.stringify(env)).not.toMatch(/token-(one|two)/);
  return { GIT_SSL_CAINFO: ca, ...env };
}

/** Evaluates the flake with the image's Nix, in a copy of the image that is gone afterwards. */
async function evaluate(tokens: Record<string, string>): Promise<NixEnd> {
  const args = ["eval", "--raw", "--no-write-lock-file", `path:${join(root, "flake")}#what`];
  return runNix(args, access(tokens));
}

describe.skipIf(image === undefined)("a flake with two private inputs", () => {
  it("is evaluated with a token for each, by the start of their URLs", async () => {
    const tokens = { [`${host}/libs`]: "token-one", [`https://${host}/tools/b.git`]: "deployer:token-two" };
    expect(await evaluate(tokens)).toMatchObject({ status: 0, stdout: "libs/a.git tools/b.git" });
    expect(new Set(doors.libs.shown)).toEqual(new Set(["x-access-token:token-one"]));
    expect(new Set(doors.tools.shown)).toEqual(new Set(["deployer:token-two"]));
  });

  it("is not, without one of them", async () => {
    const ended = await evaluate({ [`${host}/libs`]: "token-one" });
    expect(ended.stderr).toMatch(/could not read Username/);
    expect(evaluationFailure({ ...ended, text: ended.stderr })).toBe("refused");
  });

  it("is evaluated without them where its inputs are kept, after a garbage collection too", async () => {
    const [bin, kept] = [join(root, "bin"), join(root, "inputs")];
    const store = mkdtempSync("/dev/shm/deploy-keys-");
    const path = process.env["PATH"] ?? "";
    mkdirSync(bin);
    for (const program of ["nix", "nix-store"]) installNix(bin, store, program, true);
    process.env["PATH"] = `${bin}:${path}`;
    try {
      const flake = `path:${join(root, "flake")}`;
      const keys = access({ [`${host}/libs`]: "token-one", [`${host}/tools`]: "deployer:token-two" });
      const nix = (words: string[], env: Record<string, string>) =>
        run("nix", ["--extra-experimental-features", "nix-command flakes", ...words], { env, timeout: patience(60) });
      // Another user's Nix has another cache.
      const asHome = async () => {
        await run("nix-store", ["--gc"], { timeout: patience(60) });
        return nix(["eval", "--raw", `${flake}#what`], { ...access({}), XDG_CACHE_HOME: join(root, "home-cache") });
      };
      expect(await nix(["flake", "lock", flake], keys)).toMatchObject({ status: 0 });
      await archive(flake, kept, { env: keys, cache: join(root, "nix-cache") });
      expect(await asHome()).toMatchObject({ status: 0, stdout: "libs/a.git tools/b.git" });
      rmSync(kept, { recursive: true });
      expect((await asHome()).stderr).toMatch(/could not read Username/);
    } finally {
      process.env["PATH"] = path;
      rmSync(store, { recursive: true });
    }
  });
});
