/** `trigger: ssh`: `pulumi up` asks every VM that runs by a key that can do nothing else. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { short } from "../../rules/contract";
import { TestCloud } from "./cloud";

const cloud = new TestCloud();
const key = join(cloud.state, "trigger-key");
afterAll(() => cloud.down());

/** Where the VMs answer SSH: the tunnel's ends on this machine. */
const addresses = () => JSON.parse(readFileSync(join(cloud.state, "ssh.json"), "utf8")) as Record<string, number>;

beforeAll(async () => {
  await execa`ssh-keygen -q -t ed25519 -N ${""} -C infra -f ${key}`;
  const publicKey = readFileSync(`${key}.pub`, "utf8").trim();
  await cloud.start({
    "modules/common.nix": (text) => text.replace("triggerKeys = [ ];", `triggerKeys = [ "${publicKey}" ];`),
  });
  await cloud.configure(
    "nixos-fleet:trigger ssh",
    `--secret nixos-fleet:sshPrivateKey < ${key}`,
    ...Object.entries(addresses()).map(([vm, port]) => `--path nixos-fleet:ssh.addresses.${vm} 127.0.0.1:${port}`),
  );
});

it("asks by SSH, and each VM's journal shows who asked", async () => {
  await cloud.power("dev-bob", "stop");
  const revision = await cloud.bump();
  const up = await cloud.up();
  for (const vm of ["dev-canary", "dev-alice"]) {
    await cloud.expectRuns(vm, revision);
    expect(await cloud.in(vm, "journalctl -u nixos-auto-update --no-pager -o cat"), up).toMatch(
      new RegExp(`requested by .*pulumi up of devs/local for ${short(revision)}`),
    );
  }
  expect(up).toContain("dev-alice-trigger");
  expect(up).not.toContain("dev-bob-trigger");
  expect(await cloud.up()).toMatch(/Resources:\n\s+\d+ unchanged\n/);
});

it("updates the triggers in place at the next revision, and adds the VM that runs by then", async () => {
  await cloud.power("dev-bob", "start");
  const revision = await cloud.bump();
  const preview = await cloud.pulumi("preview --diff");
  expect(preview.text).not.toContain("replace");
  await cloud.up();
  for (const vm of ["dev-canary", "dev-alice", "dev-bob"]) {
    await cloud.expectRuns(vm, revision);
    expect(await cloud.in(vm, "journalctl -u nixos-auto-update --no-pager -o cat")).toContain(
      `pulumi up of devs/local for ${short(revision)}`,
    );
  }
});

it("keeps the key out of the state, and the account out of everything but an update", async () => {
  const secret = readFileSync(key, "utf8").split("\n")[2] ?? "";
  expect(secret.length).toBeGreaterThan(40);
  expect(await execa({ reject: false })`grep -rlF ${secret} ${join(cloud.state, "pulumi")}`).toMatchObject({
    stdout: "",
  });
  const { stderr, exitCode } = await execa({
    reject: false,
  })`ssh -i ${key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p ${addresses()["dev-alice"] ?? 0} fleet-trigger@127.0.0.1 id`;
  expect(exitCode).toBe(0);
  expect(stderr).not.toContain("uid=");
});

/** Has dev-canary be a bastion as well: an account that may forward connections; its address, and its host key in a file. */
async function openBastion(): Promise<{ bastion: string; hostKey: string; knownHosts: string }> {
  const publicKey = readFileSync(`${key}.pub`, "utf8").trim();
  await cloud.in(
    "dev-canary",
    `useradd --create-home --shell /usr/sbin/nologin jump && install -d -o jump -m 700 ~jump/.ssh &&
     echo 'restrict,port-forwarding ${publicKey}' >~jump/.ssh/authorized_keys && chown jump ~jump/.ssh/authorized_keys`,
  );
  const port = addresses()["dev-canary"] ?? 0;
  const hostKey = (await cloud.in("dev-canary", "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub")).trim();
  const knownHosts = join(cloud.state, "bastion-known-hosts");
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${hostKey}\n`);
  return { bastion: `jump@127.0.0.1:${port}`, hostKey, knownHosts };
}

/** What a VM's sshd says of logins of the trigger's account: from which addresses. */
const logins = async (vm: string) => {
  const said = await cloud.in(vm, "journalctl -t sshd -t sshd-session --no-pager -o cat");
  return [...said.matchAll(/Accepted publickey for fleet-trigger from (\S+)/g)].map(([, from]) => from);
};

it("reaches VMs by their own addresses through a bastion, by hand and with pulumi up", async () => {
  const { bastion, hostKey, knownHosts } = await openBastion();
  const canary = (await cloud.in("dev-canary", "hostname -I")).trim().split(" ")[0];
  const trigger = `./scripts/fleet trigger dev-alice --identity ${key} --by bastion-test`;
  const before = (await logins("dev-alice")).length;

  const through = `${trigger} --bastion ${bastion}`;
  const wrong = join(cloud.state, "wrong-known-hosts");
  writeFileSync(wrong, readFileSync(knownHosts, "utf8").replace(hostKey, readFileSync(`${key}.pub`, "utf8")));
  expect(await cloud.shell(`${through} --known-hosts ${wrong}`)).toMatchObject({ exitCode: 1 });
  expect(await logins("dev-alice")).toHaveLength(before);

  expect(await cloud.shell(`${through} --known-hosts ${knownHosts}`)).toEqual({
    exitCode: 0,
    text: expect.stringMatching(/^dev-alice {2}nothing to do: it runs [0-9a-f]{7} already$/) as string,
  });
  expect((await logins("dev-alice")).slice(before)).toEqual([canary]);
  expect(await cloud.in("dev-alice", "journalctl -u nixos-auto-update --no-pager -o cat")).toContain("bastion-test");

  const [host = "", port = ""] = (bastion.split("@")[1] ?? "").split(":");
  expect((await cloud.pulumi("config rm --path nixos-fleet:ssh.addresses")).exitCode).toBe(0);
  await cloud.configure(
    `--path nixos-fleet:ssh.bastion.host ${host}`,
    `--path nixos-fleet:ssh.bastion.port ${port}`,
    "--path nixos-fleet:ssh.bastion.user jump",
    `--path nixos-fleet:ssh.bastion.hostKey '${hostKey}'`,
  );
  const revision = await cloud.bump();
  const up = await cloud.up();
  await cloud.expectRuns("dev-alice", revision);
  expect((await logins("dev-alice")).slice(before + 1), up).toEqual([canary]);
});

it("is found well by the doctor, and what the next lock moves by the diff", async () => {
  const settings = `--stack local --config-file ${join(cloud.state, "Pulumi.local.yaml")}`;
  const { exitCode, text } = await cloud.shell(`./scripts/fleet doctor ${settings} --json`);
  const { findings } = JSON.parse(text) as { findings: { check: string; verdict: string; text: string }[] };
  // Programs are this machine's, and hosts are looked for with nix.
  const programs = ["node", "git", "pulumi", "nix", "ssh", "gcloud", "hosts"];
  expect(findings.filter(({ check, verdict }) => verdict !== "ok" && !programs.includes(check))).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(["apis", "flake.lock", "vms", "reach"]));
  expect(exitCode).toBe(0);

  const before = await cloud.head();
  const after = await cloud.bump();
  const diff = await cloud.shell("./scripts/fleet diff --head --no-closures");
  expect(diff.text).toContain(`dev-alice, dev-bob, dev-canary: ${short(before)} => ${short(after)}\n  nixpkgs `);
  const stale = await cloud.shell(
    `pulumi config set nixos-fleet:branch next ${settings} && ./scripts/fleet doctor ${settings}`,
  );
  expect(stale.exitCode).toBe(1);
  expect(stale.text).toMatch(/fail +repository +\S*config\.git has no branch next/);
  expect(stale.text).toMatch(
    /warn +vms +differ from the stack: dev-canary \(branch\), dev-alice \(branch\), dev-bob \(branch\)/,
  );
});
