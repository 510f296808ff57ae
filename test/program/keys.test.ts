/** Deploy keys: what is declared of them, their rotation, and that nothing shows them. */
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { instanceMetadata } from "./setup/instance-metadata";
import { Program, type Recorded } from "./setup/program";

let program: Program;
beforeAll(async () => {
  program = await Program.start("keys");
});
afterAll(() => program.stop());

/** In no other text, so that it is found wherever it stands. */
const planted = "planted-5ecret-0f-the-fleet";
const sshKey = (text: string) => `-----BEGIN OPENSSH PRIVATE KEY-----\n${text}\n-----END OPENSSH PRIVATE KEY-----\n`;
const dotfiles = "ssh://git@git.example.invalid/alice/dotfiles.git";
const home = { user: "alice", repository: dotfiles };
const account = "serviceAccount:fleet-devs-keys@local-project.iam.gserviceaccount.com";
const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "keys" };

function configure(more: object = {}) {
  program.configure({
    "nixos-fleet:deletionProtection": "false",
    "nixos-fleet:vms": [{ name: "dev-alice" }],
    ...more,
  });
}

async function up(): Promise<string> {
  const before = program.cloud.store.instance("dev-alice")?.id;
  const { exitCode, text } = await program.run("up");
  expect(exitCode, text).toBe(0);
  if (before !== undefined) expect(program.cloud.store.instance("dev-alice")?.id).toBe(before);
  return text;
}

function declared(): Record<string, Recorded> {
  const all = Object.entries(program.resources());
  return Object.fromEntries(all.filter(([, [type]]) => type.startsWith("gcp:secretmanager/")));
}

/** What the secret's versions hold, newest last; nothing where one is destroyed. */
function held(id: string): string[] {
  const { versions = [] } = program.cloud.store.state.secrets?.[id] ?? {};
  return versions.map(({ data }) => Buffer.from(data, "base64").toString());
}

const reader = (secretId: string): Recorded => [
  "gcp:secretmanager/secretIamMember:SecretIamMember",
  { secretId, role: "roles/secretmanager.secretAccessor", member: account },
];

describe("deploy keys", () => {
  it("are not there unless someone gives one", async () => {
    configure();
    await up();
    expect(declared()).toEqual({});
    expect(instanceMetadata(program)).not.toHaveProperty("deployKeySecret");
  });

  it("of others' secrets are only read by the VMs' account", async () => {
    configure({ "nixos-fleet:deployKeySecret": "config-key" });
    program.cloud.store.state.secrets = {
      "config-key": { createTime: "2026-06-01T10:00:00.000Z", replication: {}, labels: {}, versions: [] },
    };
    await up();
    expect(declared()).toEqual({ "devs-config-key-reader": reader("projects/local-project/secrets/config-key") });
    expect(instanceMetadata(program)).toMatchObject({
      deployKeySecret: "projects/local-project/secrets/config-key",
    });
  });

  it("of the configuration become secrets that nothing shows, and are switched on in place", async () => {
    const log: string[] = [];
    const withHome = { "nixos-fleet:vms": [{ name: "dev-alice", homes: [home] }] };
    const keepKeys = async () => {
      await program.keep("nixos-fleet:deployKey", planted);
      await program.keep(`nixos-fleet:homeDeployKeys["${dotfiles}"]`, sshKey(planted));
    };
    // A run that fails must not tell either.
    configure({ ...withHome, "nixos-fleet:bootTimeout": "soon" });
    await keepKeys();
    const failed = await program.run("up");
    expect(failed.text).toContain("nixos-fleet:bootTimeout: ");
    expect(failed.exitCode).not.toBe(0);
    // Nor one that cannot read the home's repository, which is not there.
    configure(withHome);
    await keepKeys();
    const warned = await program.run("preview");
    expect(warned.exitCode, warned.text).toBe(0);
    expect(warned.text).toContain("a home's repository: cannot read branch");
    log.push(failed.text, warned.text);

    configure();
    await program.keep("nixos-fleet:deployKey", planted);
    log.push((await program.run("preview", "--diff")).text, (await program.run("preview", "--json")).text, await up());
    expect(held("nixos-fleet--devs--keys--config")).toEqual([planted]);
    expect(await program.changes()).toEqual({});

    const { text: state } = await program.pulumi("stack", "export", "--stack", program.stack);
    const { text: outputs } = await program.pulumi("stack", "output", "--json", "--stack", program.stack);
    const { metadata } = program.cloud.store.instance("dev-alice") ?? {};
    for (const text of [...log, state, outputs, JSON.stringify(metadata)]) {
      expect(text).not.toContain(planted);
      expect(text).not.toContain(Buffer.from(planted).toString("base64").slice(0, 32));
    }
    const secret = "projects/local-project/secrets/nixos-fleet--devs--keys--config";
    expect(declared()).toEqual({
      "devs-config-key": [
        "gcp:secretmanager/secret:Secret",
        { secretId: "nixos-fleet--devs--keys--config", replication: { auto: {} }, labels },
      ],
      "devs-config-key-version": [
        "gcp:secretmanager/secretVersion:SecretVersion",
        { secret, secretData: expect.objectContaining({ ciphertext: expect.any(String) as string }) as object },
      ],
      "devs-config-key-reader": reader(secret),
    });
    expect(instanceMetadata(program)).toMatchObject({ deployKeySecret: secret });
  });

  it("are rotated without touching a VM: the next version comes before the former goes", async () => {
    configure();
    await program.keep("nixos-fleet:deployKey", `${planted}-2`);
    expect(await program.changes()).toEqual({ "devs-config-key-version": "replace" });
    await up();
    expect(held("nixos-fleet--devs--keys--config")).toEqual(["", `${planted}-2`]);
  });

  it("in clear are refused in a line that does not quote them", async () => {
    configure({ "nixos-fleet:deployKey": planted });
    const { exitCode, text } = await program.run("up");
    expect(exitCode).not.toBe(0);
    expect(text).toContain("nixos-fleet:deployKey: is not encrypted and must be a secret");
    expect(text).not.toContain(planted);
  });

  it("of which one is in clear are refused, though Pulumi takes all for encrypted", async () => {
    configure({ "nixos-fleet:deployKeys": { "git.example.com": "a-t0ken-in-clear" } });
    await program.keep('nixos-fleet:deployKeys["github.com/acme"]', planted);
    // The tests' settings are elsewhere (--config-file).
    copyFileSync(program.settingsFile, join(program.directory, "Pulumi.keys.yaml"));
    const { exitCode, text } = await program.run("up");
    rmSync(join(program.directory, "Pulumi.keys.yaml"));
    expect(exitCode).not.toBe(0);
    expect(text).toContain('nixos-fleet:deployKeys: "git.example.com" is not encrypted in the stack\'s file');
    expect(text).not.toContain('"github.com/acme" is not encrypted');
    expect(text).not.toMatch(new RegExp(`${planted}|a-t0ken-in-clear`));
  });

  it("go when no one gives one any more", async () => {
    configure();
    await up();
    expect(declared()).toEqual({});
    expect(instanceMetadata(program)).not.toHaveProperty("deployKeySecret");
    expect(program.cloud.store.state.secrets).not.toHaveProperty("nixos-fleet--devs--keys--config");
  });
});
