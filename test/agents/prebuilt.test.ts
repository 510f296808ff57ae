/** Systems that were built elsewhere, out of a real binary cache: signed, served over HTTP in the VMs' network, and taken without evaluating. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Cache } from "../../rules/instance-metadata";
import { expectComplete } from "../faults/expect-generation";
import { resume, reach, inject } from "../faults/interruption";
import { Lab } from "../faults/lab";
import type { Source } from "../faults/source";
import type { Vm } from "../faults/vm";

const port = 8080;
const cacheUrl = `http://git.internal:${port}`;
/** The same for callers that show a token. Agents take it for Cloud Storage. */
const bucketUrl = `${cacheUrl}/bucket`;

let lab: Lab;
let source: Source;
/** Builds every revision, as a company's CI does. */
let builder: Vm;
/** Follows approvals, knows the cache, and trusts its key. */
let vm: Vm;
let folder: string;
let cache: Cache;
/** Paths that the cache was asked for, and what of it does not answer: all that concerns store paths, or their contents. */
let asked: string[] = [];
let stalls: "store" | "nar" | undefined;
/** Whether the first request of each path is refused because of too many of them. */
let limits = false;

beforeAll(async () => {
  lab = await Lab.open();
  source = await lab.source();
  source.keepsLock = true;
  // The watcher would be faster than the test.
  source.extra = "services.nixos-auto-update.watch = false;";
  await source.commit();
  folder = path.join(lab.state, "cache");
  mkdirSync(folder);
  const server = http.createServer((request, response) => {
    const { pathname: whole } = new URL(request.url ?? "/", cacheUrl);
    const pathname = whole.replace(/^\/bucket\//, "/");
    const file = path.join(folder, pathname);
    asked.push(pathname);
    if (pathname !== whole && !/^Bearer ya29\./.test(request.headers.authorization ?? "")) {
      response.writeHead(403).end();
      return;
    }
    if (stalls !== undefined && (pathname.startsWith("/nar/") || (stalls === "store" && pathname.endsWith(".narinfo"))))
      return;
    if (limits && asked.indexOf(pathname) === asked.length - 1) {
      response.writeHead(429).end();
      return;
    }
    if (existsSync(file)) createReadStream(file).pipe(response);
    else response.writeHead(404).end();
  });
  await lab.listen(port, (socket) => server.emit("connection", socket));
  builder = await lab.vm("builder", source);
  for (const name of ["ours", "another"])
    await builder.sh(`nix-store --generate-binary-cache-key ${name} /root/${name} /root/${name}.pub`);
  cache = { url: cacheUrl, publicKey: await builder.sh("cat /root/ours.pub") };
  approve(await source.head());
  vm = await lab.vm("vm", source, { follow: "approved", wave: "all", cache });
});
afterAll(() => lab.close());
// A test that failed half way may have left them.
beforeEach(() => {
  stalls = undefined;
  limits = false;
});

function approve(revision: string, manifest?: { url: string; sha256: string }): void {
  lab.tell("nixos-fleet--devs--faults--all", { revision, lock: source.lock, manifest });
}

/** Builds the branch's head; answers its system, and what it is in the cache once someone has signed it. */
async function prebuild(key = "ours"): Promise<string> {
  const host = `nixosConfigurations.${source.hostName}.config.system.build.toplevel`;
  const flake = `${source.url}?ref=main&rev=${await source.head()}#${host}`;
  const system = await builder.sh(`nix build --no-link --print-out-paths '${flake}'`);
  const copied = await builder.sh(
    `rm -rf /root/cache && nix copy --to 'file:///root/cache?secret-key=/root/${key}' ${system} && tar --create --directory /root/cache . | base64`,
  );
  await execa({ input: Buffer.from(copied, "base64") })`tar --extract --directory ${folder}`;
  return system;
}

/** Approves a revision for which the manifest names a system; a digest that does not fit where one is given. */
function approvePrebuilt(revision: string, system: string, sha256?: string, from = cacheUrl): void {
  const text = JSON.stringify({ [source.hostName]: system });
  writeFileSync(path.join(folder, "manifest.json"), text);
  const digest = createHash("sha256").update(text).digest("hex");
  approve(revision, { url: `${from}/manifest.json`, sha256: sha256 ?? digest });
}

/** Updates; what the agent said meanwhile. */
async function update(): Promise<string> {
  asked = [];
  await vm.update();
  return vm.lastRun();
}

const has = (system: string) => vm.is(`nix-store --check-validity ${system}`);

it("is what runs, though its revision would not even evaluate", async () => {
  await source.commit();
  const system = await prebuild();
  const revision = await source.commit("evaluation");
  approvePrebuilt(revision, system);
  const said = await update();
  const is = await vm.facts();
  expectComplete(is);
  expect(is).toMatchObject({ current: system, remembered: revision });
  expect(vm.report()).toMatchObject({ outcome: "updated", revision, approved: revision });
  expect(said).toContain(`→ realising ${system}`);
  expect(said).not.toMatch(/will be built|no such option/);
  expect(asked.some((file) => file.startsWith("/nar/"))).toBe(true);
});

it("is not taken where someone else signed it", async () => {
  await source.commit();
  const system = await prebuild("another");
  const before = await vm.facts();
  // Nothing else could bring it here: this revision does not build.
  approvePrebuilt(await source.commit("evaluation"), system);
  const said = await update();
  expect(said).toMatch(/is not available prebuilt; building: .*not signed/);
  expect(vm.report()).toMatchObject({ outcome: "failed", stage: "build" });
  expect(await has(system)).toBe(false);
  expect((await vm.facts()).current).toBe(before.current);
});

/** What no one has built. */
const absent = `/nix/store/${"0".repeat(32)}-nixos-system-dev-canary`;

/** The VM has built the head itself, and has said why. */
async function expectBuilt(said: string, why: RegExp): Promise<void> {
  expect(said).toMatch(why);
  expect(said).toMatch(/will be built/);
  expect(vm.report()).toMatchObject({ outcome: "updated", revision: await source.head() });
  expectComplete(await vm.facts());
}

it("is built where the cache does not have it", async () => {
  const revision = await source.commit();
  approvePrebuilt(revision, absent);
  await expectBuilt(await update(), /is not available prebuilt; building: /);
});

it("is built where the manifest is not the approved one", async () => {
  const revision = await source.commit();
  approvePrebuilt(revision, absent, "0".repeat(64));
  await expectBuilt(await update(), /not the approved one, by its digest; building/);
});

it("is built where the manifest has nothing for the machine", async () => {
  const revision = await source.commit();
  approvePrebuilt(revision, "");
  await expectBuilt(await update(), /names no store path for dev-canary; building/);
});

it("is built where the cache accepts and hangs", async () => {
  const revision = await source.commit();
  // The cache has it, so only the hang keeps it from the VM.
  approvePrebuilt(revision, await prebuild());
  stalls = "store";
  await expectBuilt(await update(), /is not available prebuilt; building: /);
  stalls = undefined;
});

it.each(["SIGKILL", "power-off"] as const)("is taken after a %s while it was fetched", async (interruption) => {
  const revision = await source.commit();
  const system = await prebuild();
  approvePrebuilt(revision, system);
  stalls = "nar";
  await reach(vm, "realising", 500);
  expect(await inject(vm, interruption, "all")).toBe(true);
  stalls = undefined;
  await resume(vm, interruption);
  const is = await vm.facts();
  expectComplete(is);
  expect(is).toMatchObject({ current: system, remembered: revision });
  expect(await vm.lastRun()).not.toContain("will be built");
});

it("comes out of a private bucket, by the VM's own account, though it answers each request only the second time", async () => {
  approve(await source.head());
  const other = await lab.vm("other", source, { follow: "approved", wave: "all", cache: { ...cache, url: bucketUrl } });
  await other.sh(`systemctl set-environment NIXOS_AUTO_UPDATE_STORAGE=${cacheUrl}`);
  await source.commit();
  const system = await prebuild();
  approvePrebuilt(await source.commit("evaluation"), system, undefined, bucketUrl);
  expect(await fetchStatus(other, `${bucketUrl}/manifest.json`)).toBe("403");
  asked = [];
  limits = true;
  await other.update();
  limits = false;
  const is = await other.facts();
  expectComplete(is);
  expect(is.current).toBe(system);
  const said = await other.lastRun();
  expect(said).toMatch(/fetching again in about \d s: .*\.narinfo: HTTP 429/);
  expect(said).not.toContain("will be built");
});

it("is built where a private bucket does not answer for long", async () => {
  approve(await source.commit());
  const other = await lab.vm("third", source, { follow: "approved", wave: "all", cache: { ...cache, url: bucketUrl } });
  await other.sh(`systemctl set-environment NIXOS_AUTO_UPDATE_STORAGE=${cacheUrl}`);
  const revision = await source.commit();
  approvePrebuilt(revision, await prebuild(), undefined, bucketUrl);
  stalls = "nar";
  await other.update();
  stalls = undefined;
  expect(await other.lastRun()).toMatch(/the cache is away; building: .*\/nar\//);
  expect(other.report()).toMatchObject({ outcome: "updated", revision });
});

it("is taken where there are signers only if the signed commit has it", async () => {
  const key = path.join(lab.state, "infra");
  await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  const signers = `infra@example.com ${readFileSync(`${key}.pub`, "utf8").trim()}`;
  await source.signWith(key);
  approve(await source.commit());
  const careful = await lab.vm("careful", source, { follow: "approved", wave: "all", cache, signers });
  const older = await prebuild();
  approvePrebuilt(await source.commit(), older);
  await careful.update();
  expect(await careful.lastRun()).toMatch(/the manifest names \S+, and the signed commit has \S+; building/);
  expect(await careful.facts()).toMatchObject({ remembered: await source.head() });

  const revision = await source.commit();
  const system = await prebuild();
  approvePrebuilt(revision, system);
  await careful.update();
  expect(await careful.facts()).toMatchObject({ current: system, remembered: revision });
  expect(await careful.lastRun()).not.toMatch(/; building|will be built/);
  await source.signWith(undefined);
});

/** What anyone on a VM is answered who shows no token. */
const fetchStatus = (from: Vm, url: string) =>
  from.sh(`curl --silent --output /dev/null --write-out '%{http_code}' ${url}`);
