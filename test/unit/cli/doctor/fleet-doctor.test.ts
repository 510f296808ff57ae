/** `fleet doctor` with a real git, a played pulumi and Google's APIs in memory. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { approvalKey, contract } from "../../../../rules/contract";
import type { Finding } from "../../../../cli/doctor/findings";
import { expectedOf } from "../../../../infra/desired-state";
import { FakeCompute } from "../google/fake-compute";
import { approval, good, report } from "../fleet-samples";
import { runFleet } from "../run-fleet";

describe("fleet doctor", () => {
  let fake: FakeCompute;
  let endpoint: string;
  let directory: string;
  let repository: string;
  let config: Record<string, { value?: string; secret?: boolean }>;
  const bin = () => join(directory, "bin");

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "fleet doctor "));
    repository = join(directory, "config");
    mkdirSync(bin());
    // Google's own takes two seconds to say its version.
    writeFileSync(join(bin(), "gcloud"), "#!/bin/sh\necho 'Google Cloud SDK 550.0.0'\n", { mode: 0o755 });
    const git = (...args: string[]) => execa("git", args, { cwd: directory });
    await git("init", "--quiet", "--initial-branch=main", repository);
    writeFileSync(join(repository, "flake.lock"), "{}");
    await git("-C", repository, "add", ".");
    await git("-C", repository, "-c", "user.name=e", "-c", "user.email=e@example.com", "commit", "-q", "-m", "x");
    config = {
      "gcp:project": { value: "project-1" },
      "gcp:region": { value: "europe-west1" },
      "nixos-fleet:repository": { value: "https://git.example.invalid/config.git" },
      "nixos-fleet:resolveFrom": { value: repository },
      "nixos-fleet:vms": { value: '[{"name":"dev-alice"}]' },
      "nixos-fleet:waves": { value: '[{"name":"all","rest":true}]' },
    };
    fake = new FakeCompute();
    endpoint = await fake.start();
    fake.project = "project-1";
    const settings = await read();
    fake.instances = (settings?.vms ?? []).map(({ name, zone, metadata }) => ({
      name,
      zone,
      labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" },
      metadata,
      guest: {
        "nixos-fleet/system": JSON.stringify(report({ agent: contract.agent, at: new Date().toISOString() })),
      },
    }));
    Object.assign(fake.metadata, settings?.projectMetadata);
    fake.metadata[approvalKey("devs", "dev", "all")] = JSON.stringify(approval(good));
    fake.fault = (request) =>
      request.includes("/serviceusage/") ? { status: 200, body: { state: "ENABLED" } } : undefined;
  });
  afterEach(async () => {
    await fake.stop();
    rmSync(directory, { recursive: true });
  });

  async function read() {
    const raw = Object.fromEntries(Object.entries(config).map(([key, { value = "[secret]" }]) => [key, value]));
    return Promise.resolve(
      expectedOf({ values: raw, encrypted: [] }, "dev", resolve(__dirname, "../../../..")).settings,
    );
  }

  async function doctor(args: string[] = [], env: NodeJS.ProcessEnv = {}) {
    writeFileSync(join(directory, "config.json"), JSON.stringify(config));
    const pulumi = `#!/bin/sh\ncase "$1" in stack) echo dev ;; config) cat "${directory}/config.json" ;; version) echo v3.256.0 ;; esac\n`;
    writeFileSync(join(bin(), "pulumi"), pulumi);
    chmodSync(join(bin(), "pulumi"), 0o755);
    return runFleet(
      ["doctor", ...args],
      {
        NIXOS_FLEET_COMPUTE_ENDPOINT: endpoint,
        NIXOS_FLEET_RESOURCEMANAGER_ENDPOINT: new URL("/cloudresourcemanager/", endpoint).href,
        NIXOS_FLEET_SERVICEUSAGE_ENDPOINT: new URL("/serviceusage/", endpoint).href,
        GOOGLE_OAUTH_ACCESS_TOKEN: "t",
        PATH: `${bin()}:/usr/bin:/bin`,
        HOME: directory,
        ...env,
      },
      { readSettings: (raw, stack) => Promise.resolve(expectedOf(raw, stack, resolve(__dirname, "../../../.."))) },
    );
  }

  /** What it found, by check, without what is the machine's own: programs. */
  const found = (out: string[]) =>
    out.slice(1, -2).flatMap((line) => {
      const [verdict = "", check = ""] = line.split(/ +/);
      return ["node", "git", "pulumi", "nix", "ssh", "gcloud"].includes(check) ? [] : [`${verdict} ${check}`];
    });

  /** A nix that knows these names. */
  function playNix(hosts: string[], homes: string[]): void {
    const answers = `case "$*" in *nixosConfigurations*) echo '${JSON.stringify(hosts)}' ;; *homeConfigurations*) echo '${JSON.stringify(homes)}' ;; *) echo 'nix (Nix) 2.26.3' ;; esac`;
    writeFileSync(join(bin(), "nix"), `#!/bin/sh\necho "$*" >>'${directory}/nix-calls'\n${answers}\n`, { mode: 0o755 });
  }

  it("looks for hosts and homes in the config repository, with nix alone", async () => {
    config["nixos-fleet:vms"] = { value: '[{"name":"dev-alice","homes":[{"user":"alice"}]}]' };
    const without = await doctor();
    expect(without.code).toBe(0);
    expect(without.out.join("\n")).toMatch(/warn +hosts +could not be looked for without nix; a VM whose host/);
    playNix(["dev-alcie"], []);
    const { code, out } = await doctor();
    expect(code).toBe(1);
    expect(out.join("\n")).toMatch(
      /fail +hosts +there is no nixosConfigurations\.dev-alice, the host of dev-alice; did you mean "dev-alcie"\? correct the stack's settings/,
    );
    expect(out.join("\n")).toMatch(
      /fail +homes +there is no homeConfigurations\.alice, the home of dev-alice; correct/,
    );
  });

  it("reads the repositories that homes come from besides, and looks for the homes in them", async () => {
    await execa`git clone --quiet ${repository} ${join(directory, "alice")}`;
    writeFileSync(join(directory, ".gitconfig"), `[url "${directory}/"]\n insteadOf = git://git.internal/\n`);
    const homes = [
      { user: "alice", repository: "git://git.internal/alice" },
      { user: "bob", repository: "git://git.internal/none" },
    ];
    config["nixos-fleet:vms"] = { value: JSON.stringify([{ name: "dev-alice", homes }]) };
    playNix(["dev-alice"], ["alcie"]);
    const { code, out } = await doctor();
    expect(code).toBe(1);
    // Its developer decides neither what Nix does here, nor what it builds.
    expect(readFileSync(join(directory, "nix-calls"), "utf8")).toMatch(
      /--option accept-flake-config false --option allow-import-from-derivation false .*#homeConfigurations /,
    );
    expect(out.join("\n")).toMatch(
      /fail +homes +git:\/\/git\.internal\/alice, branch main: there is no homeConfigurations\.alice, the home of dev-alice; did you mean "alcie"\?/,
    );
    expect(out.join("\n")).toMatch(
      /fail +homes +git:\/\/git\.internal\/none, branch main: git ls-remote: .*does not appear to be a git repository; see that you may read it/,
    );
  });

  it("names the variable of another project", async () => {
    const env = { NIXOS_FLEET_PROJECT: "", GOOGLE_CLOUD_PROJECT: "project-2" };
    const said = "the stack uses project-1, and GOOGLE_CLOUD_PROJECT is project-2";
    expect((await doctor([], env)).out.join("\n")).toContain(said);
  });

  it("finds nothing to fix where all is well", async () => {
    playNix(["dev-alice"], []);
    const { code, out, err } = await doctor();
    expect([code, err]).toEqual([0, []]);
    expect(found(out)).toEqual(
      [
        "settings",
        "credentials",
        "project",
        "rights",
        "apis",
        "places",
        "repository",
        "flake.lock",
        "hosts",
        "vms",
        "reports",
        "holds",
      ].map((one) => `ok ${one}`),
    );
    expect(out.join("\n")).toContain("all match the stack");
  });

  it("names mistakes of the settings, and does not ask what depends on them", async () => {
    config["nixos-fleet:vms"] = { value: '[{"name":"dev alice"}]' };
    const { code, out } = await doctor();
    expect(code).toBe(1);
    expect(found(out)).toEqual(["fail settings"]);
    expect(out.join("\n")).toMatch(
      /nixos-fleet:vms\[0\]\.name: "dev alice" must be a Compute name.*; fix Pulumi\.dev\.yaml/,
    );
    expect(fake.requests).toEqual([]);
  });

  it("names what the caller may not do", async () => {
    fake.denied = ["iam.serviceAccounts.actAs"];
    const { code, out } = await doctor();
    expect(code).toBe(1);
    expect(out.join("\n")).toMatch(/fail +rights +missing on the project: iam\.serviceAccounts\.actAs; without them/);
  });

  it("checks the VMs by their labels if the settings are arguments of the program", async () => {
    config = { "gcp:project": { value: "project-1" } };
    const { code, out } = await doctor();
    expect(code).toBe(0);
    expect(found(out)).toEqual([
      "warn settings",
      "ok credentials",
      "ok project",
      "ok rights",
      "ok vms",
      "ok reports",
      "ok holds",
    ]);
    expect(out.join("\n")).toMatch(/warn +settings +stack dev has no nixos-fleet: key.*pulumi preview checks them/);
    expect(out.join("\n")).toMatch(/ok +vms +1 VM with the stack's labels/);
    fake.instances = [];
    expect(found((await doctor()).out)).toContain("warn vms");
  });

  it("names a secret that is not encrypted, without showing it", async () => {
    const key = "-----BEGIN OPENSSH PRIVATE KEY-----";
    config["nixos-fleet:sshPrivateKey"] = { value: key };
    const { code, out } = await doctor();
    expect(code).toBe(1);
    expect(out.join("\n")).toMatch(/fail +settings +nixos-fleet:sshPrivateKey: is not encrypted and must be a secret/);
    expect(out.join("\n")).not.toContain(key);
    config["nixos-fleet:sshPrivateKey"] = { secret: true };
    expect((await doctor()).code).toBe(0);
  });

  it("says what git says of a repository that is not there, and goes on", async () => {
    rmSync(repository, { recursive: true });
    const { code, out } = await doctor(["--json"]);
    expect(code).toBe(1);
    const { well, findings } = JSON.parse(out.join("\n")) as { well: boolean; findings: Finding[] };
    expect(well).toBe(false);
    expect(findings.filter(({ verdict }) => verdict === "fail")).toMatchObject([
      { check: "repository", text: expect.stringMatching(/^git ls-remote: fatal: .*does not appear/) as string },
    ]);
    expect(findings.map(({ check }) => check)).toContain("vms");
  });

  it("knocks at each running VM, or at the bastion, where updates are triggered by SSH", async () => {
    let greeting = "SSH-2.0-x\r\n";
    const server = createServer((socket) => socket.on("error", () => undefined).end(greeting));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    config["nixos-fleet:trigger"] = { value: "ssh" };
    config["nixos-fleet:sshPrivateKey"] = { secret: true };
    const ssh = (value: object) => (config["nixos-fleet:ssh"] = { value: JSON.stringify(value) });
    ssh({ addresses: { "dev-alice": `127.0.0.1:${port}` } });
    expect(found((await doctor()).out)).toContain("ok reach");
    ssh({ bastion: { host: "127.0.0.1", port, user: "jump" } });
    expect(found((await doctor()).out)).toContain("ok reach");
    greeting = "";
    expect((await doctor()).out.join("\n")).toMatch(
      /no answer from the bastion \(127\.0\.0\.1:\d+: ends the connection\)/,
    );
    await new Promise((closed) => server.close(closed));
    const { code, out } = await doctor();
    expect(out.join("\n")).toMatch(/no answer from the bastion \(127\.0\.0\.1:\d+: ECONNREFUSED\)/);
    expect(code).toBe(0);
  });

  it("names home disks without a snapshot of the last two days, where the settings want them", async () => {
    const hours = (ago: number) => new Date(Date.now() - ago * 3_600_000).toISOString();
    const at = (zone: string, name: string) => ({
      name,
      zone: `https://x/projects/project-1/zones/${zone}`,
      selfLink: `https://x/projects/project-1/zones/${zone}/disks/${name}`,
    });
    const disks = [
      { ...at("europe-west1-b", "dev-alice-home"), creationTimestamp: hours(100) },
      { ...at("europe-west1-b", "dev-bob-home"), creationTimestamp: hours(100) },
      { ...at("europe-west1-b", "dev-new-home"), creationTimestamp: hours(30) },
      { ...at("europe-west1-b", "dev-gone-home"), creationTimestamp: hours(100) },
    ];
    const taken = (disk: string, ago: number, status = "READY") => ({
      status,
      sourceDisk: at("europe-west1-b", disk).selfLink,
      creationTimestamp: hours(ago),
    });
    const pages: Record<string, object> = {
      "": { items: [taken("dev-alice-home", 3), taken("dev-bob-home", 4, "FAILED")], nextPageToken: "2" },
      "2": { items: [taken("dev-bob-home", 50)], nextPageToken: "3" },
    };
    const { fault } = fake;
    fake.fault = (request) => {
      if (request.includes("/aggregated/disks"))
        return { status: 200, body: { items: { "zones/europe-west1-b": { disks } } } };
      if (!request.includes("/global/snapshots")) return fault(request);
      expect(request).toContain("orderBy=creationTimestamp desc");
      const page = pages[/pageToken=(\d+)/.exec(request)?.[1] ?? ""];
      return page === undefined ? { status: 500 } : { status: 200, body: page };
    };
    config["nixos-fleet:defaults"] = { value: '{"homeDisk":{}}' };
    config["nixos-fleet:vms"] = { value: '[{"name":"dev-alice"},{"name":"dev-bob"},{"name":"dev-new"}]' };
    expect(found((await doctor()).out).filter((line) => /snapshots/.test(line))).toEqual([]);
    config["nixos-fleet:snapshots"] = { value: "{}" };
    const { out } = await doctor();
    expect(out.join("\n")).toMatch(/warn +snapshots +none for two days: dev-bob-home; see .*SNAPSHOTS/);
    pages[""] = { items: [taken("dev-bob-home", 1), taken("dev-alice-home", 3)] };
    expect(found((await doctor()).out)).toContain("ok snapshots");
  });

  it("says in one line that the API refuses", async () => {
    fake.fault = () => ({ status: 403, body: { error: { message: "Required 'compute.projects.get' permission" } } });
    const { code, out } = await doctor();
    expect(code).toBe(1);
    expect(out.join("\n")).toMatch(/fail +project +HTTP 403: Required 'compute.projects.get' permission; see that/);
    expect(found(out)).not.toContain("ok vms");
  });
});
