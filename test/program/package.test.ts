/** The npm package in a clean folder, as a company uses it: init, preview, up, a changed lock, its rollout, and the next version. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleAgent } from "../../tools/bundle-agent";
import { pack } from "../../tools/package/pack";
import { Program } from "./setup/program";

const root = resolve(__dirname, "../..");
const scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-package-"));
const modules = join(scratch, "node_modules");
const installed = join(modules, "nixos-fleet");
const directory = join(scratch, "my-fleet");

interface Manifest {
  version: string;
  dependencies: Record<string, string>;
  bin: { fleet: string };
}

let manifest: Manifest;
let program: Program;

/** Installs a tarball as npm does, with the very packages that its manifest asks for and no other, out of the repository's. */
async function install(tarball: string): Promise<void> {
  mkdirSync(installed, { recursive: true });
  await execa("tar", ["--extract", "--file", tarball, "--strip-components=1", "--directory", installed]);
  manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as Manifest;
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
}

const fleet = (...args: string[]) => execa(join(installed, manifest.bin.fleet), args, { cwd: scratch, reject: false });

/** What `up` and `preview` are called with: the stack that init wrote. */
const run = (command: string, ...args: string[]) =>
  program.pulumi(command, "--stack", "acme", "--non-interactive", ...args);
const up = () => run("up", "--yes", "--skip-preview", "--color", "never");

/** Operation → names of resources, of those that a preview would not leave alone. */
async function changes(): Promise<Record<string, string[]>> {
  const { exitCode, text } = await run("preview", "--json");
  expect(exitCode, text).toBe(0);
  const json = text.slice(text.search(/^\{$/m), text.search(/^\}$/m) + 1);
  const { steps } = JSON.parse(json) as { steps: { op: string; urn: string }[] };
  const found: Record<string, string[]> = {};
  for (const { op, urn } of steps) if (op !== "same") (found[op] ??= []).push(urn.replace(/^.*::/, ""));
  return found;
}

beforeAll(async () => {
  await install(await pack(join(scratch, "build")));
  const options = ["--project", "local-project", "--repository", "https://git.example.invalid/config.git"];
  const { exitCode, stderr } = await fleet("init", "my-fleet", "--stack", "acme", ...options);
  expect(exitCode, stderr).toBe(0);
  program = await Program.start("acme", directory);
  const stack = join(directory, "Pulumi.acme.yaml");
  // The tests' repository, and no half hour between the waves.
  const text = readFileSync(stack, "utf8").replace(/^ *pause: .*\n/m, "");
  writeFileSync(stack, text.replace("config:\n", `config:\n  nixos-fleet:resolveFrom: ${program.repository}\n`));
});

afterAll(async () => {
  await program.stop();
  rmSync(scratch, { recursive: true, force: true });
});

describe("the package", () => {
  it("holds what it needs, and neither tests nor the local cloud", async () => {
    const { stdout } = await execa("find", [installed, "-type", "f"]);
    const files = stdout.split("\n").map((file) => file.slice(installed.length + 1));
    for (const file of [
      "infra/index.js",
      "infra/index.d.ts",
      "infra/startup.sh",
      "contract.json",
      "LICENSE",
      "CHANGELOG.md",
      "policy/index.js",
    ])
      expect(files).toContain(file);
    expect(files.filter((file) => /(^|\/)(test|tests|local|bench|node_modules)\/|\.test\./.test(file))).toEqual([]);
  });

  it("holds what its Nix package is made of: an agent that works", async () => {
    const nix = readFileSync(join(installed, "nix/package.nix"), "utf8");
    const inputs = [...nix.matchAll(/\.\.\/[\w.]+/g)].map(([path]) => path);
    expect(inputs).toContain("../agent");
    expect(inputs.filter((path) => !existsSync(join(installed, "nix", path)))).toEqual([]);
    const bundle = join(scratch, "agent.cjs");
    bundleAgent(bundle, installed);
    const { stdout } = await execa("node", [bundle, "nixos-auto-update", "self-test"], {
      env: { GCE_METADATA_HOST: "127.0.0.1:9" },
    });
    expect(stdout).toContain("works, on Node");
  });

  it("has the tool, which says the one version", async () => {
    const { stdout } = await fleet("--version");
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
    expect([manifest.version, stdout.split(" ").slice(0, 2)]).toEqual([version, ["fleet", version]]);
  });
});

describe("a company's project", () => {
  it("makes its fleet, whose gates call the installed tool", async () => {
    const first = await up();
    expect(first.exitCode, first.text).toBe(0);
    const gate = (await program.resources())["devs-canary-gate"];
    expect(gate?.[1]["create"]).toBe("exec ../node_modules/nixos-fleet/scripts/fleet await");
  });

  it("rolls a changed lock out, canary first", async () => {
    const revision = await program.commit('{ "changed": true }');
    expect(await changes()).toEqual({
      update: expect.arrayContaining([
        "devs-canary-approval",
        "devs-canary-gate",
        "devs-rest-approval",
        "devs-rest-gate",
      ]) as string[],
    });
    const rollout = await up();
    expect(rollout.exitCode, rollout.text).toBe(0);
    const waves = await program.pulumi("stack", "output", "waves", "--json", "--stack", "acme");
    const { canary, rest } = JSON.parse(waves.text) as Record<string, { revision: string }>;
    expect([canary?.revision, rest?.revision]).toEqual([revision, revision]);
  });

  it("takes the next version with no VM replaced, and nothing to do afterwards", async () => {
    const before = await program.resources();
    writeFileSync(join(installed, "package.json"), JSON.stringify({ ...manifest, version: "0.2.0" }));
    appendFileSync(join(installed, "infra/startup.sh"), "# Of the next version.\n");
    const expected = await changes();
    expect(Object.keys(expected)).toEqual(["update"]);
    expect(expected["update"]).toEqual(
      expect.arrayContaining(["devs-dev-alice-vm", "devs-dev-bob-vm", "devs-dev-canary-vm"]),
    );
    const upgrade = await up();
    expect(upgrade.exitCode, upgrade.text).toBe(0);
    expect(Object.keys(await program.resources()).sort()).toEqual(Object.keys(before).sort());
    expect(await changes()).toEqual({});
  });
});
