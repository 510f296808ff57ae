/** The policy pack, run by the real engine: the stack passes, and what breaks a rule is named and stops. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Program } from "./setup/program";

const project = resolve(__dirname, "../..");
const violations = join(__dirname, "violations");
const analyzer = join(project, "policy/analyzer");
const scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-policy-"));
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
  await execa({ cwd: violations, env })`pulumi stack init policy --no-select`;
});

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
  // The engine notes a new stack's salt beside the program.
  rmSync(join(violations, "Pulumi.policy.yaml"), { force: true });
});

/** `pulumi preview` or `up`, under the pack, of the program that breaks its rules; no cloud is there. */
async function violate(...command: string[]) {
  const file = join(scratch, "stack.yaml");
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ config: { "gcp:project": "acme-dev", "gcp:region": "europe-west1" } }));
  const options = { cwd: violations, env, all: true, reject: false, stdin: "ignore" } as const;
  const flags = ["--stack", "policy", "--config-file", file, "--color", "never", "--non-interactive"];
  const { exitCode, all } = await execa("pulumi", [...command, "--policy-pack", analyzer, ...flags], options);
  return { exitCode, text: all };
}

describe("the policy pack", () => {
  it("has nothing against the stack", async () => {
    const lawful = await Program.start("lawful");
    try {
      lawful.configure({
        "nixos-fleet:vms": [{ name: "dev-alice" }],
        "nixos-fleet:teams": { developers: ["group:devs@example.com"] },
      });
      for (const command of ["preview", "up"]) {
        const { exitCode, text } = await lawful.run(command, "--policy-pack", analyzer);
        expect(text).toMatch(/Policies:\s+✅ nixos-fleet/);
        expect(exitCode, text).toBe(0);
      }
    } finally {
      await lawful.stop();
    }
  });

  it("names all that breaks its rules in a preview", async () => {
    const { exitCode, text } = await violate("preview");
    expect(exitCode).not.toBe(0);
    expect(text).not.toContain("planted-secret");
    for (const line of [
      "networkInterfaces[0].accessConfigs gives the VM an external address; the way out is NAT",
      "opens TCP port 22 to every address; let SSH in from IAP's range only",
      'metadata "enable-oslogin" must be TRUE',
      'metadata "block-project-ssh-keys" must be TRUE',
      "shieldedInstanceConfig.enableVtpm must be true",
      "shieldedInstanceConfig.enableIntegrityMonitoring must be true",
      "serviceAccount.email must name an account of the fleet's own, not the project's default one",
      'metadata "deploy-key" holds a private key; keep it in Secret Manager',
      'label "nixos-fleet-wave" must be set',
      'role "roles/editor" is a basic role; give one that can do what it is for',
      'role "roles/editor" goes to user:eve@example.com on the whole project; bind it to the VMs or to the account that it is for',
      'role "roles/compute.osLogin" goes to everybody (allAuthenticatedUsers)',
      'publicAccessPrevention must be "enforced"',
      "uniformBucketLevelAccess must be true",
    ])
      expect(text).toContain(line);
  });

  it("stops an update before the provider is asked", async () => {
    const { exitCode, text } = await violate("up", "--yes", "--skip-preview");
    expect(exitCode).not.toBe(0);
    expect(text).toContain("❌ nixos-fleet");
    // No cloud is there: a create that came through would say so.
    expect(text).not.toContain("NIXOS_FLEET_COMPUTE_ENDPOINT");
  });
});
