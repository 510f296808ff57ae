/**
 * Private repositories on real machines: the machine's by ssh from a real sshd, homes' by https, what they ask for out of Secret Manager.
 * All that is secret is looked for everywhere.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expectReport } from "../faults/expect-report";
import { Lab } from "../faults/lab";
import type { Source } from "../faults/source";
import type { Vm } from "../faults/vm";
import { certificate } from "../../local/certificate";
import { httpsGit, type Door } from "../../local/https-git";
import { gitName } from "../../local/machines/network";
import { secretManagerName, tlsFront } from "../../local/tls-front";

/** Where VMs keep what repositories ask for, and nowhere else. */
const run = "/run/nixos-auto-update";
const kept = [`${run}/credential`, ...["alice", "bob"].map((user) => `${run}/home-credentials/${user}/credential`)];
const refs = "+refs/heads/main:refs/heads/main";

const scratch = mkdtempSync(path.join(tmpdir(), "keys-"));
let lab: Lab;
let source: Source;
/** Alice's home, and Bob's. */
let own: Source;
/** A machine with the company's git server. */
let forge: Vm;
let vm: Vm;
let door: Door;
/** All secrets so far. Tests search the machine's files and processes for them. */
const planted: string[] = [];
const keys = ["one", "two", "stranger"].map((name) => {
  const file = path.join(scratch, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
  return { secret: readFileSync(file, "utf8"), public: readFileSync(`${file}.pub`, "utf8").trim() };
});

/** What to search for: a text's lines, and itself in base64; a key's first line is every key's. */
function plant(text: string): void {
  const lines = text.split("\n").filter((line) => !/^$|^-----|^b3BlbnNzaC1rZXktdjE/.test(line));
  planted.push(...lines, Buffer.from(text).toString("base64"), Buffer.from(text.trim()).toString("base64"));
}

function keepKey(index: number): string {
  const { secret } = keys[index] ?? expect.fail();
  plant(secret);
  return lab.keepSecret("config", secret);
}

function keepToken(token: string): string {
  door.accepted = `x-access-token:${token}`;
  plant(token);
  planted.push(Buffer.from(door.accepted).toString("base64"));
  return lab.keepSecret("alice", `${token}\n`);
}

/** Has the forge take one key and no other, and what was pushed meanwhile. */
const takes = (index: number) =>
  forge.sh(`echo 'restrict ${keys[index]?.public ?? ""}' >/home/git/.ssh/authorized_keys
    git --git-dir=/srv/config.git -c safe.directory='*' fetch --quiet ${source.url} ${refs}; chown -R git /srv/config.git`);

beforeAll(async () => {
  const tls = certificate(scratch, [gitName, secretManagerName]);
  // All that any process is started with is kept.
  const first = `systemd-run --quiet --unit=sampler sh -c 'while [ ! -e /run/enough ]; do
      cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; sleep 0.05; done | tr "\\0" "\\n" | sort -u >/run/samples'`;
  lab = await Lab.open({ first, trusted: { cert: tls.cert, names: [secretManagerName] } });
  source = await lab.source();
  own = await lab.source();
  source.extra =
    "users.users.alice.isNormalUser = true; users.users.bob.isNormalUser = true; services.nixos-auto-update.watch = false;";
  await source.commit();
  door = { accepted: "", shown: [] };
  const git = httpsGit(path.join(lab.state, `source-${own.port}`, "git"), tls, door);
  const front = tlsFront(tls, { secretManager: lab.secretManager, git });
  await lab.listen(443, (socket) => front.emit("connection", socket));

  forge = await lab.vm("forge", source);
  await forge.sh(`useradd --create-home --shell /usr/bin/git-shell git && mkdir /home/git/.ssh
    git clone --quiet --bare ${source.url} /srv/config.git`);
  await forge.sh("touch /run/enough");
  await takes(0);
  const address = await forge.sh("hostname -I | cut -d' ' -f1");
  const hostKey = await forge.sh("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");
  const homes = { repository: "https://git.internal/config.git", branch: "main" };
  const secrets = { machine: keepKey(0), alice: keepToken("glpat-first"), bob: lab.keepSecret("bob", "glpat-first") };
  lab.allowSecret(secrets.machine);
  lab.allowSecret(secrets.alice);
  vm = await lab.vm("keys", source, {
    repository: `ssh://git@${address}/srv/config.git`,
    deployKeySecret: secrets.machine,
    knownHosts: `${address} ${hostKey}`,
    homes: [
      { user: "alice", attribute: "alice", ...homes, deployKeySecret: secrets.alice },
      { user: "bob", attribute: "bob", ...homes, deployKeySecret: secrets.bob },
    ],
  });
});
afterAll(async () => {
  await lab.close();
  rmSync(scratch, { recursive: true });
});

const reported = (key: string, expected: object) => expectReport(vm, key, expected, 90);

/** An agent that has updated may have looked again by now. */
const well = expect.stringMatching(/^(updated|unchanged)$/) as string;

const says = (text: string) => expect.stringContaining(text) as string;

it("are cloned by the first boot, and a home with a repository of its own comes to be", async () => {
  expect(vm.report()).toMatchObject({ outcome: well, revision: await source.head() });
  await reported("home-alice", { outcome: well, revision: await own.head() });
});

it("whose secret the VM may not read fail in words, until it may", async () => {
  await reported("home-bob", {
    outcome: "failed",
    stage: "fetch",
    error: says(
      "cannot read the secret projects/local-project/secrets/bob: Permission 'secretmanager.versions.access' denied",
    ),
  });
  lab.allowSecret("projects/local-project/secrets/bob");
  await vm.update();
  await reported("home-bob", { outcome: well, revision: await own.head() });
});

it("get the new key after it was rotated, with no one's help", async () => {
  await source.commit();
  keepKey(1);
  await takes(1);
  await vm.update();
  const said = await vm.lastRun();
  expect(said).toContain("was rotated; using the new one");
  expect(vm.report(), said).toMatchObject({ outcome: well, revision: await source.head() });
});

it("get a home's new token as well", async () => {
  await own.commit();
  keepToken("glpat-second");
  await vm.update();
  await reported("home-alice", { outcome: well, revision: await own.head() });
});

it("get a home's new token at once after a refusal, however long its next try is away", async () => {
  const alice = "systemctl --user --machine=alice@.host";
  await vm.sh(`${alice} set-environment NIXOS_AUTO_UPDATE_RETRY=7200`);
  await vm.homeIdle("alice");
  await own.commit();
  keepToken("glpat-third");
  await vm.sh(`${alice} start nixos-hm-auto-update.service || true`);
  await reported("home-alice", { outcome: well, revision: await own.head() });
  await vm.sh(`${alice} unset-environment NIXOS_AUTO_UPDATE_RETRY`);
});

it("leave what they ask for in files of their owners' and nowhere else", async () => {
  const needles = gzipSync(planted.join("\n")).toString("base64");
  const search = (what: string) =>
    vm.sh(`echo ${needles} | base64 -d | gunzip >/tmp/needles; ${what}; rm /tmp/needles`);
  const found = await search(
    "grep -rlaF -f /tmp/needles --exclude=needles /run /var /etc /tmp /home /root /usr/local /nix || true",
  );
  expect(found.split("\n").sort()).toEqual(kept);
  await vm.sh(
    "touch /run/enough; until systemctl show sampler --property=SubState --value | grep -q dead; do sleep 0.1; done",
  );
  const samples = await vm.sh("cat /run/samples");
  // It has seen which paths ssh and git's helper got.
  for (const file of kept) expect(samples).toContain(file);
  const journal = await vm.sh("journalctl --no-pager --output=export --all");
  for (const secret of planted) {
    expect(samples).not.toContain(secret);
    expect(journal).not.toContain(secret);
    expect(lab.known).not.toContain(secret);
  }
  const owners = await vm.sh(`stat --format='%U %a' ${kept.join(" ")}`);
  expect(owners.split("\n")).toEqual(["root 400", "alice 400", "bob 400"]);
  expect(await vm.is(`su bob -c 'cat ${kept.slice(0, 2).join(" ")} | grep .'`)).toBe(false);
});

it("that refuse the key are reported as such, and gone back to once they take it", async () => {
  await takes(2);
  await vm.update();
  expect(vm.report()).toMatchObject({
    outcome: "failed",
    stage: "fetch",
    error: says("Permission denied (publickey)"),
  });
  await takes(1);
  await reported("system", { outcome: "unchanged" });
});

it("are not asked where the host's key is not the pinned one", async () => {
  const key = "/etc/ssh/ssh_host_ed25519_key";
  await forge.sh(
    `cp ${key} /root/kept; ssh-keygen -q -t ed25519 -N '' -f /root/other; cp /root/other ${key}; systemctl restart ssh`,
  );
  await vm.update();
  expect(vm.report()).toMatchObject({ outcome: "failed", stage: "fetch", error: says("Host key verification failed") });
  await forge.sh(`cp /root/kept ${key}; systemctl restart ssh`);
  await reported("system", { outcome: "unchanged" });
});
