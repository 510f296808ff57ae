/** Mistakes in a stack's configuration, through the real engine: one line each, all at once, and nothing created. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const project = resolve(__dirname, "../..");
const scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-program-"));
const repository = join(scratch, "config");
let env: Record<string, string>;

beforeAll(async () => {
  const { stdout: engine } = await execa(join(project, "tools/build-engine"));
  env = {
    PATH: [engine, join(project, "local/plugins/bin"), process.env["PATH"] ?? ""].join(":"),
    PULUMI_BACKEND_URL: `file://${scratch}`,
    PULUMI_CONFIG_PASSPHRASE: "",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_NODEJS_TRANSPILE_ONLY: "true",
  };
  await execa({ cwd: scratch })`git init --quiet --initial-branch=main ${repository}`;
  writeFileSync(join(repository, "flake.lock"), "{}");
  await execa({ cwd: repository })`git add .`;
  await execa({ cwd: repository })`git -c user.name=a -c user.email=a@example.com commit --quiet --message x`;
  await execa({ cwd: project, env })`pulumi stack init program --no-select`;
});

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
  // The engine notes the new stack's salt beside the program.
  rmSync(join(project, "Pulumi.program.yaml"), { force: true });
});

const good = {
  "gcp:project": "acme-dev",
  "gcp:region": "europe-west1",
  "nixos-fleet:repository": "https://git.example.invalid/config.git",
  "nixos-fleet:resolveFrom": repository,
  "nixos-fleet:vms": [{ name: "dev-alice" }],
};

/** `pulumi up` with a configuration; what it printed as errors, a line each. */
async function up(config: object) {
  const file = join(scratch, "stack.yaml");
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ config }));
  const { exitCode, stdout } = await execa({
    cwd: project,
    env,
    reject: false,
    stdin: "ignore",
  })`pulumi up --yes --stack program --config-file ${file} --color never --non-interactive`;
  const { stdout: state } = await execa({ cwd: project, env })`pulumi stack export --stack program`;
  const { resources = [] } = (JSON.parse(state) as { deployment: { resources?: { type: string }[] } }).deployment;
  return { exitCode, stdout, created: resources.filter(({ type }) => type !== "pulumi:pulumi:Stack") };
}

describe("a mistake in the stack's configuration", () => {
  it("is one line, and all of one run come at once", async () => {
    const { exitCode, stdout, created } = await up({
      ...good,
      "gcp:project": undefined,
      "nixos-fleet:colour": "red",
      "nixos-fleet:vms": [{ name: "Dev_Alice" }],
      "nixos-fleet:resolveFrom": join(scratch, "nowhere"),
    });
    expect(exitCode).not.toBe(0);
    for (const line of [
      "gcp:project: must be set: the Google Cloud project that gets the fleet",
      "nixos-fleet:colour: unknown key",
      'nixos-fleet:vms[0].name: "Dev_Alice" must be a Compute name: a lower-case letter first, then letters, digits or -, 63 at most',
    ])
      expect(stdout).toContain(line);
    expect(stdout).toMatch(/nixos-fleet:resolveFrom: cannot read branch "main" of .*nowhere: fatal: .*/);
    expect(stdout).not.toContain("at main (");
    expect(created).toEqual([]);
  });

  it("is a wave without a VM", async () => {
    const waves = [
      { name: "canary", vms: [] },
      { name: "rest", rest: true },
    ];
    const { exitCode, stdout, created } = await up({ ...good, "nixos-fleet:waves": waves });
    expect(exitCode).not.toBe(0);
    expect(stdout).toContain('nixos-fleet:waves[0]: "canary" has no VM; give it one or remove it');
    expect(created).toEqual([]);
  });
});
