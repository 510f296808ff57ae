/** Reading repositories with the real git: values are never options, a busy server is asked again, and a failure says why. */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { resolveHomes } from "../../../infra/preflight/approval";
import { patience } from "../../setup/pace";
import { resolveRevision } from "../../../infra/preflight/revision";

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-revision-test-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true, force: true });
});

async function repository(): Promise<string> {
  const path = join(scratch, "config");
  await execa({ cwd: scratch })`git init --quiet --initial-branch=main ${path}`;
  writeFileSync(join(path, "flake.lock"), '{"version":7,"root":"root","nodes":{"root":{}}}');
  const git = execa({ cwd: path });
  await git`git add .`;
  await git`git -c user.name=a -c user.email=a@example.com commit --quiet --message x`;
  return path;
}

/**
 * An ssh that notes how many of it run at once, fails the given number of times for each host, and then serves the repository.
 * @param refusals how often each host refuses, and in which words
 * @param before what it does before it serves
 * @param busy how many seconds it counts as running
 */
function ssh(path: string, refusals: number, words: string, before = "", busy = 0.1): void {
  const script = join(scratch, "ssh");
  mkdirSync(join(scratch, "running"), { recursive: true });
  writeFileSync(
    script,
    `#!/bin/sh
for one; do case $one in git@*) host=$one ;; esac; done
touch ${scratch}/running/$$
ls ${scratch}/running | wc -l >>${scratch}/width
echo x >>${scratch}/asked-$host
env >${scratch}/environment
sleep ${busy}
rm ${scratch}/running/$$
if [ "$(wc -l <${scratch}/asked-$host)" -le ${refusals} ]; then echo "${words}" >&2; exit 255; fi
${before}
exec git-upload-pack ${path}
`,
  );
  chmodSync(script, 0o755);
  vi.stubEnv("GIT_SSH_COMMAND", script);
  vi.stubEnv("GIT_SSH_VARIANT", "simple");
}

it("takes what looks like an option for a repository that is not there", async () => {
  const mark = join(scratch, "ran");
  await expect(resolveRevision(`--upload-pack=touch ${mark};`, "main")).rejects.toThrow(
    /^cannot read branch "main" of --upload-pack/,
  );
  expect(existsSync(mark)).toBe(false);
});

it("says that git is missing, without the command line", async () => {
  vi.stubEnv("PATH", "/nonexistent");
  await expect(resolveRevision("https://git.example.com/config.git", "main")).rejects.toThrow(
    /^cannot read branch "main" of https:\/\/git\.example\.com\/config\.git: git is not on PATH; /,
  );
});

/** How many of `ssh` ran at once. */
function widest(): number {
  return Math.max(...readFileSync(join(scratch, "width"), "utf8").trim().split("\n").map(Number));
}

it("asks a server that is busy again, few at a time", async () => {
  ssh(await repository(), 2, "kex_exchange_identification: Connection closed by remote host");
  const homes = Array.from({ length: 12 }, (_, i) => ({ user: "u", attribute: "u", repository: `git@h:x${i}` }));
  const { homes: found, warnings } = await resolveHomes([{ homes }]);
  expect(warnings).toEqual([]);
  expect(Object.keys(found)).toHaveLength(12);
  expect(widest()).toBeLessThanOrEqual(4);
});

it("asks several servers beside each other, and waits for a silent one only as long as it is silent", async () => {
  ssh(await repository(), 0, "", "case $host in *@h0) sleep 600 ;; *) : ;; esac", 1);
  const homes = Array.from({ length: 20 }, (_, i) => ({
    user: "u",
    attribute: "u",
    repository: `git@h${i % 5}:x${i}`,
  }));
  const silence = patience(5);
  const { homes: found, warnings } = await resolveHomes([{ homes }], { silence });
  expect(Object.keys(found)).toHaveLength(16);
  expect(warnings).toHaveLength(4);
  expect(warnings[0]).toBe(
    `vms: a home's repository: cannot read branch "main" of git@h0:x0: no answer within ${Math.round(silence / 1000)} s; a new revision is approved without the homes from it`,
  );
  expect(widest()).toBeGreaterThan(4);
});

it("gets of a large repository the lock alone, if the server can leave out the rest", async () => {
  const path = await repository();
  const git = execa({ cwd: path });
  writeFileSync(join(path, "large"), randomBytes(4_000_000));
  await git`git add .`;
  await git`git -c user.name=a -c user.email=a@example.com commit --quiet --message large`;
  const { stdout: head } = await git`git rev-parse HEAD`;
  const lockText = readFileSync(join(path, "flake.lock"), "utf8");
  const sent = join(scratch, "sent");
  // A server that sends no single file is asked for all of them.
  for (const [filters, single] of [
    [false, false],
    [true, false],
    [true, true],
  ]) {
    await git`git config uploadpack.allowFilter ${String(filters)}`;
    await git`git config uploadpack.allowAnySHA1InWant ${String(single)}`;
    ssh(path, 0, "", `git-upload-pack ${path} | tee -a ${sent}; exit`);
    expect(await resolveRevision("git@h:x", "main")).toMatchObject({ revision: head, lockText });
    expect(statSync(sent).size > 1_000_000).toBe(!single);
    rmSync(sent);
  }
});

it("waits longer than its limit for a server that sends", async () => {
  const pause = patience(0.5);
  ssh(await repository(), 0, "", `for _ in 1 2 3 4 5 6; do echo 'remote: working' >&2; sleep ${pause / 1000}; done`);
  await expect(
    resolveRevision("git@h:x", "main", undefined, { patience: { silence: 4 * pause } }),
  ).resolves.toBeDefined();
});

it("waits for a home's repository that sends without end no longer than its limit", async () => {
  ssh(await repository(), 0, "", "while echo 'remote: working' >&2; do sleep 0.2; done");
  const total = patience(2);
  const { homes, warnings } = await resolveHomes([{ homes: [{ user: "u", attribute: "u", repository: "git@h:x" }] }], {
    silence: 60_000,
    total,
  });
  expect(homes).toEqual({});
  expect(warnings).toEqual([
    `vms: a home's repository: cannot read branch "main" of git@h:x: not read within ${Math.round(total / 1000)} s; a new revision is approved without the homes from it`,
  ]);
});

it("gives git and what git starts none of the stack's secrets", async () => {
  ssh(await repository(), 0, "");
  const secrets = ["CONFIG", "CONFIG_SECRET_KEYS", "CONFIG_PASSPHRASE", "CONFIG_PASSPHRASE_FILE", "ACCESS_TOKEN"];
  for (const name of secrets) vi.stubEnv(`PULUMI_${name}`, "hunter2");
  vi.stubEnv("SSH_AUTH_SOCK", "/run/agent");
  await resolveRevision("git@h:x", "main");
  const environment = readFileSync(join(scratch, "environment"), "utf8");
  expect(environment).not.toContain("hunter2");
  expect(environment).toContain("SSH_AUTH_SOCK=/run/agent");
});

it.each([
  "git@h: Permission denied (publickey).",
  "Host key verification failed.",
  "ssh: connect to host h port 22: Connection refused",
  "ssh: Could not resolve hostname h: Name or service not known",
])("says what ssh says: %s", async (words) => {
  ssh(await repository(), 99, words);
  await expect(resolveRevision("git@h:x", "main")).rejects.toThrow(`cannot read branch "main" of git@h:x: ${words}`);
  expect(readFileSync(join(scratch, "asked-git@h"), "utf8").trim().split("\n")).toHaveLength(1);
});
