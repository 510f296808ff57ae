/** ./scripts/fleet as a person starts it: a process of its own. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { approvalKey } from "../../../rules/contract";
import type { FleetStatus } from "../../../cli/status/status";
import { approval, old } from "./fleet-samples";
import { environmentOf, FakeCompute } from "./google/fake-compute";
import { threeVms } from "./fake-fleets";

const launcher = resolve(__dirname, "../../../scripts/fleet");
const options = { reject: false, extendEnv: false } as const;
const path = process.env["PATH"] ?? "";

let fake: FakeCompute;
let endpoint: string;
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "fleet launcher "));
});
afterAll(() => rmSync(directory, { recursive: true }));
beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  threeVms(fake);
});
afterEach(() => fake.stop());

it("works from any directory, and passes the exit code on", async () => {
  const env = { ...environmentOf(endpoint), PATH: path };
  const shown = await execa(launcher, ["status", "--json"], { ...options, cwd: directory, env });
  expect([shown.exitCode, shown.stderr]).toEqual([0, ""]);
  expect((JSON.parse(shown.stdout) as FleetStatus).vms).toHaveLength(3);
  const refused = await execa(launcher, ["nonsense"], { ...options, cwd: directory, env });
  expect([refused.exitCode, refused.stdout]).toEqual([2, ""]);
  expect(refused.stderr).toMatch(/^fleet: unknown command "nonsense"; .*$/);
});

it("succeeds if the reader of its output has seen enough, and fails if the output cannot be written", async () => {
  const into = (target: string) =>
    execa("bash", ["--norc", "-c", `set -o pipefail; "$0" explain NF301 ${target}`, launcher], {
      ...options,
      env: { PATH: path },
    });
  const read = await into("| true");
  expect([read.exitCode, read.stderr]).toEqual([0, ""]);
  const full = await into(">/dev/full");
  expect([full.exitCode, full.stderr]).toEqual([
    1,
    "fleet: the output cannot be written: no space left on device [NF211]",
  ]);
});

it("shows no warning of Node or a library, but where NIXOS_FLEET_DEBUG asks for it", async () => {
  const warning = join(directory, "warning.cjs");
  writeFileSync(warning, 'setTimeout(() => process.emitWarning("lookup failed", "MetadataLookupWarning"), 0);\n');
  const env = { ...environmentOf(endpoint), PATH: path, NODE_OPTIONS: `--require "${warning}"` };
  expect((await execa(launcher, ["status"], { ...options, env })).stderr).toBe("");
  const debugged = await execa(launcher, ["status"], { ...options, env: { ...env, NIXOS_FLEET_DEBUG: "1" } });
  expect(debugged.stderr).toContain("MetadataLookupWarning");
});

it("says on Ctrl-C how to go on, and exits with 130", async () => {
  fake.setMetadata(approvalKey("devs", "dev", "rest"), JSON.stringify(approval(old)));
  const env = { ...environmentOf(endpoint), PATH: path };
  const gate = execa(launcher, ["await", "--wave", "rest"], { ...options, env });
  gate.stdout.once("data", () => gate.kill("SIGINT"));
  const end = await gate;
  expect(end.stdout).toContain("Go on with pulumi up");
  expect(end.exitCode).toBe(130);
});

it.each(["v18.20.8", "v20.18.3", "v21.7.3", "v22.11.0"])(
  "says in one line that Node %s is too old",
  async (version) => {
    const bin = mkdtempSync(join(directory, "bin "));
    writeFileSync(join(bin, "node"), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
    const end = await execa(launcher, ["status"], { ...options, env: { PATH: `${bin}:${path}` } });
    expect([end.exitCode, end.stderr]).toEqual([
      2,
      `fleet: this is Node ${version}; Node 20.19 or 22.12 or newer is needed`,
    ]);
  },
);

it("says in one line that packages are missing", async () => {
  const root = join(directory, "clone");
  mkdirSync(join(root, "scripts"), { recursive: true });
  cpSync(launcher, join(root, "scripts/fleet"));
  const end = await execa(join(root, "scripts/fleet"), ["status"], { ...options, env: { PATH: path } });
  expect([end.exitCode, end.stderr]).toEqual([
    2,
    `fleet: its Node packages are not installed; run: (cd '${root}' && npm ci)`,
  ]);
});
