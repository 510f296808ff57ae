import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { knownHostsLines, parseAddresses, sshArguments } from "../../../cli/ssh";
import { environmentOf, error, FakeCompute } from "./google/fake-compute";
import { report } from "./fleet-samples";
import { runFleet } from "./run-fleet";

test("ssh gets the VM's published key, whatever leads there, and never asks", () => {
  const way = { user: "fleet-trigger", host: "10.0.0.2", port: 22 };
  const plain = sshArguments("dev-bob", way, "/tmp/a b/known", "go");
  expect(plain.slice(-7)).toEqual(["-p", "22", "-l", "fleet-trigger", "--", "10.0.0.2", "go"]);
  expect(plain).toEqual(expect.arrayContaining(["BatchMode=yes", "StrictHostKeyChecking=yes", "HostKeyAlias=dev-bob"]));
  expect(plain).toContain('UserKnownHostsFile="/tmp/a b/known"');
  expect(plain.join(" ")).not.toMatch(/ProxyCommand|-J|IdentitiesOnly/);
  const bastion = { destination: "eve@bastion", port: 2222 };
  expect(sshArguments("dev-bob", { ...way, bastion }, "known", "go")).toContain(
    "ProxyCommand=ssh '-o' 'BatchMode=yes' '-o' 'ConnectTimeout=10' '-o' 'ServerAliveInterval=15' '-p' '2222' '-W' '[%h]:%p' '--' 'eve@bastion'",
  );
  const known = { ...way, bastion: { ...bastion, knownHosts: "/a b/it's 5%" }, identity: "my key" };
  const led = sshArguments("dev-bob", known, "known", "go");
  expect(led).toEqual(expect.arrayContaining(["IdentitiesOnly=yes", "-i", "my key"]));
  expect(led.find((one) => one.startsWith("ProxyCommand"))).toContain(
    `'StrictHostKeyChecking=yes' '-o' 'UserKnownHostsFile="/a b/it'\\''s 5%%"' '-o' 'GlobalKnownHostsFile=none' '-i' 'my key' '-p'`,
  );
  const tunnel = sshArguments("dev-bob", { ...way, iap: { project: "p", zone: "z1" } }, "known", "go");
  expect(tunnel).toContain(
    "ProxyCommand=gcloud compute start-iap-tunnel dev-bob 22 --listen-on-stdin --project=p --zone=z1 --verbosity=error",
  );
});

test("the real ssh starts the one that leads through the bastion as it is written", async () => {
  const directory = mkdtempSync(join(tmpdir(), "fleet-ssh-"));
  const { stdout: ssh } = await execa("which", ["ssh"]);
  // The one inside is looked up by its name.
  writeFileSync(join(directory, "ssh"), `#!/bin/sh\nprintf '%s\\n' "$@" >${directory}/args\n`);
  chmodSync(join(directory, "ssh"), 0o755);
  const bastion = { destination: "eve@bastion", port: 2222, knownHosts: "/a b/it's 5%" };
  const way = { user: "u", host: "10.0.0.2", port: 22, bastion, identity: "/none/my key" };
  await execa(ssh, sshArguments("dev-bob", way, "/none/known", "go"), {
    env: { PATH: `${directory}:${process.env["PATH"] ?? ""}` },
    reject: false,
    stdin: "ignore",
  });
  const args = readFileSync(join(directory, "args"), "utf8").split("\n");
  expect(args).toContain(`UserKnownHostsFile="/a b/it's 5%"`);
  expect(args.slice(-9)).toEqual(["-i", "/none/my key", "-p", "2222", "-W", "[10.0.0.2]:22", "--", "eve@bastion", ""]);
  rmSync(directory, { recursive: true });
});

test("what a VM publishes as its host keys cannot bring lines of its own", () => {
  const forged = { "ssh-ed25519": "AAAA", "ssh-rsa": "AAAA\n* ssh-rsa EVIL", "* ssh-rsa": "EVIL" };
  expect(knownHostsLines("dev-bob", forged)).toEqual(["dev-bob ssh-ed25519 AAAA"]);
});

test("addresses are VM=HOST:PORT", () => {
  expect([...parseAddresses(["dev-bob=127.0.0.1:2201"])]).toEqual([["dev-bob", { host: "127.0.0.1", port: 2201 }]]);
  for (const wrong of ["dev-bob", "dev-bob=host", "=host:1", "dev-bob=-oProxyCommand=x:1", "dev-bob=a b:1"]) {
    expect(() => parseAddresses([wrong])).toThrow(/must be VM=HOST:PORT/);
  }
});

describe("fleet trigger", () => {
  let fake: FakeCompute;
  let endpoint: string;
  let directory: string;

  beforeEach(async () => {
    fake = new FakeCompute();
    endpoint = await fake.start();
    directory = mkdtempSync(join(tmpdir(), "fleet-ssh-"));
    const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" };
    const guest = { "hostkeys/ssh-ed25519": "AAAA" };
    fake.instances = [
      { name: "dev-alice", labels, guest },
      { name: "dev-bob", labels, guest, status: "TERMINATED" },
      { name: "dev-mute", labels },
    ];
  });
  afterEach(async () => {
    await fake.stop();
    rmSync(directory, { recursive: true });
  });

  /** Runs it with a stand-in for ssh, which notes its arguments and known hosts and ends with the given status. */
  async function fleet(
    args: string[],
    ssh = "exit 0",
    more = {},
  ): Promise<{ code: number; out: string[]; err: string[] }> {
    const script = `#!/bin/sh\nprintf '%s\\n' "$@" >${directory}/args\nfor a in "$@"; do case $a in UserKnown*) eval "cat \${a#*=}" >${directory}/known ;; esac; done\n${ssh}\n`;
    writeFileSync(join(directory, "ssh"), script);
    chmodSync(join(directory, "ssh"), 0o755);
    const env = {
      PATH: `${directory}:${process.env["PATH"] ?? ""}`,
      ...environmentOf(endpoint),
      ...more,
    };
    return runFleet(["trigger", ...args], env);
  }

  it("asks the VM in the name of who asked, and knows its key", async () => {
    expect(await fleet(["dev-alice", "--by", "eve; rm -rf /"])).toEqual({
      code: 0,
      out: ["dev-alice  ended its run; its report has not arrived yet, fleet status shows it"],
      err: [],
    });
    expect(readFileSync(join(directory, "args"), "utf8")).toContain(
      "--\n10.0.0.2\nsudo -n nixos-auto-update trigger --by eve-rm--rf-/\n",
    );
    expect(readFileSync(join(directory, "known"), "utf8")).toBe("dev-alice ssh-ed25519 AAAA\n");
  });

  it.each([
    ["nothing to do", "unchanged", "nothing to do: it runs bbbbbbb already"],
    ["its report not there yet", "updated", "ended its run; its report has not arrived yet, fleet status shows it"],
  ] as const)("takes a report that stays as it was for %s", async (_, outcome, text) => {
    const [alice] = fake.instances;
    if (alice?.guest !== undefined) alice.guest["nixos-fleet/system"] = JSON.stringify(report({ outcome }));
    expect(await fleet(["dev-alice"])).toEqual({ code: 0, out: [`dev-alice  ${text}`], err: [] });
  });

  it("takes a failure that was reported before for the same failure", async () => {
    const [alice] = fake.instances;
    const failed = report({ outcome: "failed", stage: "build", error: "no space" });
    if (alice?.guest !== undefined) alice.guest["nixos-fleet/system"] = JSON.stringify(failed);
    expect(await fleet(["dev-alice"])).toEqual({
      code: 1,
      out: ["dev-alice  failed: build failed: no space"],
      err: [],
    });
  });

  it.each<[string, Parameters<typeof report>[0], number, string]>([
    ["an update", { outcome: "updated" }, 0, "updated to bbbbbbb on request"],
    ["nothing to do", { outcome: "unchanged" }, 0, "nothing to do: it runs bbbbbbb already"],
    [
      "a hold",
      { outcome: "held", error: "held by eve: demo" },
      0,
      "did not move, it is held at bbbbbbb: held by eve: demo",
    ],
    ["a window", { outcome: "deferred", error: "waits for its window" }, 0, "waits, at bbbbbbb: waits for its window"],
    ["a failure", { outcome: "failed", stage: "build", error: "no space" }, 1, "failed: build failed: no space"],
  ])("says that the run ended with %s", async (_, changes, code, text) => {
    // The run's report is there when ssh ends: the second of two readings.
    let readings = 0;
    const [alice] = fake.instances;
    fake.fault = (request) => {
      if (!request.includes("queryPath=nixos-fleet/")) return undefined;
      readings += 1;
      const at = `2026-01-01T12:0${readings}:00Z`;
      if (alice?.guest !== undefined) alice.guest["nixos-fleet/system"] = JSON.stringify(report({ ...changes, at }));
      return undefined;
    };
    expect(await fleet(["dev-alice"])).toEqual({ code, out: [`dev-alice  ${text}`], err: [] });
  });

  it("leaves out a stopped VM, and says of each other what went wrong", async () => {
    const { code, out } = await fleet(
      ["dev-bob", "dev-mute", "dev-alice"],
      "echo one >&2; echo 'Permission denied' >&2; exit 255",
    );
    expect(out.sort()).toEqual([
      "dev-alice  failed: Permission denied",
      "dev-bob  is TERMINATED: left out, it catches up when it boots",
      "dev-mute  has published no SSH host key",
    ]);
    expect(code).toBe(1);
    expect((await fleet(["dev-bob"])).code).toBe(0);
  });

  it("fails for a VM for which nothing is approved, in the VM's own words", async () => {
    const said = "nothing is approved for this VM: wave rest is not approved for any revision";
    const agent = `echo 'nixos-auto-update: requested by eve' >&2; echo 'nixos-auto-update: ${said}' >&2; exit 1`;
    expect(await fleet(["dev-alice", "dev-bob"], agent)).toMatchObject({
      code: 1,
      out: expect.arrayContaining([`dev-alice  failed: nixos-auto-update: ${said}`]) as string[],
    });
  });

  it("says why the bastion refused, and not that the connection through it is closed", async () => {
    const refused = "echo 'eve@b: Permission denied' >&2; echo 'Connection closed by UNKNOWN port 65535' >&2; exit 255";
    expect((await fleet(["dev-alice", "--bastion", "eve@b"], refused)).out).toEqual([
      "dev-alice  failed: eve@b: Permission denied",
    ]);
    const alone = "echo 'Connection closed by UNKNOWN port 65535' >&2; exit 255";
    expect((await fleet(["dev-alice", "--bastion", "eve@b"], alone)).out).toEqual([
      "dev-alice  failed: Connection closed by UNKNOWN port 65535",
    ]);
  });

  it.each([
    ["ssh: connect to host 10.0.0.2 port 22: Connection timed out", true],
    ["ssh: connect to host 10.0.0.2 port 22: No route to host", true],
    ["eve@10.0.0.2: Permission denied (publickey).", false],
  ])("names the ways to a VM that does not answer, and only then: %s", async (words, isHinted) => {
    const { out } = await fleet(["dev-alice"], `echo '${words}' >&2; exit 255`);
    const hint = isHinted ? "; --iap goes through Google's proxy, --bastion by a host" : "";
    expect(out).toEqual([`dev-alice  failed: ${words}${hint}`]);
    expect((await fleet(["dev-alice", "--iap"], `echo '${words}' >&2; exit 255`)).out[0]).not.toContain("--bastion");
  });

  it("says in one line that ssh is missing", async () => {
    const { code, out } = await fleet(["dev-alice"], undefined, { PATH: "/nonexistent" });
    expect([code, out]).toEqual([1, ["dev-alice  failed: ssh is not on PATH; run this where it is installed"]]);
  });

  it("prints what came of each as JSON", async () => {
    const { code, out } = await fleet(["dev-alice", "dev-mute", "--json"]);
    expect([code, JSON.parse(out.join("\n"))]).toEqual([
      1,
      {
        vms: [
          { name: "dev-alice", well: true, text: expect.stringMatching(/^ended its run/) as string },
          { name: "dev-mute", well: false, text: "has published no SSH host key" },
        ],
      },
    ]);
  });

  it("keeps the results of the others if one VM's host keys cannot be read", async () => {
    const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" };
    fake.instances.push({ name: "dev-carol", labels, guest: { "hostkeys/ssh-ed25519": "AAAA" } });
    fake.fault = (request) =>
      /dev-alice.*queryPath=hostkeys/.test(request) ? error(403, "Required permission", "forbidden") : undefined;
    const { code, out, err } = await fleet(["dev-alice", "dev-carol", "dev-bob", "--json"], "sleep 1; exit 0");
    expect([code, err]).toEqual([1, []]);
    expect(JSON.parse(out.join("\n"))).toMatchObject({
      vms: [
        { name: "dev-alice", well: false, text: "its host keys cannot be read: HTTP 403: Required permission" },
        { name: "dev-carol", well: true },
        { name: "dev-bob", well: true },
      ],
    });
  });

  it("keeps the results of the others if the token ends meanwhile", async () => {
    fake.instances.push({ name: "dev-zoe", labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" } });
    fake.fault = (request) => (/dev-zoe.*hostkeys/.test(request) ? error(401, "expired", "authError") : undefined);
    const { code, out } = await fleet(["dev-alice", "dev-zoe"]);
    expect([code, out.sort()]).toEqual([
      1,
      [
        expect.stringMatching(/^dev-alice {2}ended its run/),
        expect.stringMatching(/^dev-zoe {2}its host keys cannot be read: Google refuses the token of/),
      ],
    ]);
  });

  it("does not wait for ever", async () => {
    expect(await fleet(["dev-alice", "--timeout", "1s"], "exec sleep 30")).toMatchObject({
      code: 1,
      out: ["dev-alice  is still at it"],
    });
  });

  test.each<[string[], RegExp]>([
    [[], /an argument is missing: VM…/],
    [["dev-eve"], /^no VM dev-eve in fleet devs\/dev; it has dev-alice, dev-bob, dev-mute/],
    [["dev-alice", "--user", "-oProxyCommand=x"], /--user/],
    [["dev-alice", "--bastion", "-x"], /--bastion/],
    [["dev-alice", "--bastion", "eve@host:22x"], /--bastion/],
    [["dev-alice", "--bastion", "eve@host", "--iap"], /cannot be combined/],
    [["dev-alice", "--known-hosts", "x"], /requires --bastion/],
    [["dev-alice", "--address", "nowhere"], /must be VM=HOST:PORT/],
    [["dev-alice", "--timeout", "soon"], /--timeout is soon; it must be a time such as/],
  ])("%j is refused in one line", async (args, message) => {
    const { code, err } = await fleet(args);
    expect([code, err.length]).toEqual([2, 1]);
    expect(err[0]).toMatch(message);
  });
});
