/** `trigger: ssh`: `pulumi up` asks every VM that runs by a key that can do nothing else. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { short } from "../../contracts";
import { TestCloud } from "./cloud";

const cloud = new TestCloud();
const key = join(cloud.state, "trigger-key");
afterAll(() => cloud.down());

/** Where the VMs answer SSH: the tunnel's ends on this machine. */
const addresses = () => JSON.parse(readFileSync(join(cloud.state, "ssh.json"), "utf8")) as Record<string, number>;

beforeAll(async () => {
  expect((await cloud.local("up")).exitCode).toBe(0);
  await execa`ssh-keygen -q -t ed25519 -N ${""} -C infra -f ${key}`;
  const publicKey = readFileSync(`${key}.pub`, "utf8").trim();
  await cloud.change("modules/common.nix", (text) =>
    text.replace("triggerKeys = [ ];", `triggerKeys = [ "${publicKey}" ];`),
  );
  await cloud.up();
  await cloud.configure(
    "nixos-fleet:trigger ssh",
    `--secret nixos-fleet:sshPrivateKey < ${key}`,
    ...Object.entries(addresses()).map(([vm, port]) => `--path nixos-fleet:ssh.addresses.${vm} 127.0.0.1:${port}`),
  );
});

it("asks by SSH, and each VM's journal shows who asked", async () => {
  expect((await cloud.local("stop", "dev-bob")).exitCode).toBe(0);
  const revision = await cloud.bump();
  const up = await cloud.up();
  for (const vm of ["dev-canary", "dev-alice"]) {
    await cloud.expectRuns(vm, revision);
    expect(await cloud.in(vm, "journalctl -u nixos-auto-update --no-pager -o cat"), up).toMatch(
      new RegExp(`asked by .*pulumi up of devs/local for ${short(revision)}`),
    );
  }
  expect(up).toContain("dev-alice-trigger");
  expect(up).not.toContain("dev-bob-trigger");
  expect(await cloud.up()).toMatch(/Resources:\n\s+\d+ unchanged\n/);
});

it("updates the triggers in place at the next revision, and adds the VM that runs by then", async () => {
  expect((await cloud.local("start", "dev-bob")).exitCode).toBe(0);
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
