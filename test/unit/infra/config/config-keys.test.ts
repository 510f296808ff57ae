/** Deploy keys in the stack's configuration: every mistake, none of which quotes a key, and what VMs get. */
import { describe, expect, it } from "vitest";
import { apisOf } from "../../../../infra/components/apis";
import { checkConfig } from "../../../../infra/config/fleet-config";
import { HIDDEN } from "../../../../infra/config/secrets";
import { vmMetadata } from "../../../../infra/components/metadata";

const byHttps = "https://git.example.com/config.git";
const bySsh = "ssh://git@git.example.com/config.git";
const dotfiles = "git@git.example.com:alice/Dot_Files.git";
const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n";

function check(more: Record<string, unknown>, encrypted?: string[]) {
  const written = Object.entries({
    repository: byHttps,
    vms: [{ name: "dev-alice", homes: [{ user: "alice", repository: dotfiles }, { user: "bob" }] }],
    ...more,
  }).map(
    ([name, value]) => [`nixos-fleet:${name}`, typeof value === "string" ? value : JSON.stringify(value)] as const,
  );
  return checkConfig(
    { "gcp:project": "acme-dev", "gcp:region": "europe-west1", ...Object.fromEntries(written) },
    "dev",
    encrypted,
  );
}

function instanceMetadata(more: Record<string, unknown>) {
  const { config, mistakes } = check(more);
  const [vm] = config?.vms ?? [];
  if (!config || !vm) throw new Error(mistakes.join("\n"));
  return JSON.parse(vmMetadata(config, vm, "")["nixos-fleet"] ?? "") as Record<string, unknown>;
}

describe("a VM", () => {
  it("gets the flake's folder where that is not the repository's top", () => {
    expect(instanceMetadata({})).not.toHaveProperty("subdirectory");
    expect(instanceMetadata({ subdirectory: "infra/nixos" })).toMatchObject({
      repository: byHttps,
      subdirectory: "infra/nixos",
    });
  });

  it("gets no secret where no repository asks for one", () => {
    const { homes, ...rest } = instanceMetadata({});
    expect(rest).not.toHaveProperty("deployKeySecret");
    expect(homes).toEqual([
      { user: "alice", attribute: "alice", repository: dotfiles },
      { user: "bob", attribute: "bob" },
    ]);
    expect(apisOf(check({}).config ?? expect.fail())).not.toContain("secretmanager");
  });

  it("gets whether its wave has it reboot, and how long that waits for people", () => {
    const waves = [{ name: "all", rest: true, reboot: "required", rebootDeadline: "24h" }];
    expect(instanceMetadata({ waves })).toMatchObject({ reboot: "required", rebootDeadline: 86_400 });
    expect(Object.keys(instanceMetadata({})).filter((key) => key.startsWith("reboot"))).toEqual([]);
  });

  it("gets in how many turns its wave activates, where that is more than one", () => {
    const vms = ["a", "b", "c"].map((name) => ({ name }));
    const turns = (maxParallel?: number) =>
      instanceMetadata({ vms, waves: [{ name: "all", rest: true, ...(maxParallel ? { maxParallel } : {}) }] });
    expect(turns(2)).toMatchObject({ turns: 2 });
    for (const none of [undefined, 3, 10]) expect(turns(none)).not.toHaveProperty("turns");
  });

  it("has its turn before its wave's time is up", () => {
    const vms = ["a", "b", "c"].map((name) => ({ name }));
    const waves = (timeout: string) => [{ name: "all", rest: true, maxParallel: 1, timeout }];
    expect(check({ vms, waves: waves("8m") }).mistakes).toEqual([
      "nixos-fleet:waves[0].maxParallel: 3 VMs, 1 at once, activate in 4 turns of 2 min (the number is a power of two), which take 8 min; the wave's timeout must be longer, such as 9 min, and is 8 min",
    ]);
    expect(check({ vms, waves: waves("9m") }).mistakes).toEqual([]);
  });

  it("gets where to find what each repository asks for, and never the key itself", () => {
    const metadata = instanceMetadata({ deployKey: "hunter2", homeDeployKeys: { [dotfiles]: key } });
    expect(metadata).toMatchObject({
      deployKeySecret: "projects/acme-dev/secrets/nixos-fleet--devs--dev--config",
      homes: [
        { deployKeySecret: "projects/acme-dev/secrets/nixos-fleet--devs--dev--home-dot-files-ff3c3819" },
        { user: "bob", attribute: "bob" },
      ],
    });
    expect(JSON.stringify(metadata)).not.toContain("hunter2");
    expect(apisOf(check({ deployKey: "hunter2" }).config ?? expect.fail())).toContain("secretmanager");
  });

  it("gets secrets that someone else keeps, in this project or another", () => {
    expect(
      instanceMetadata({
        deployKeySecret: "config-key",
        homeDeployKeySecrets: { [dotfiles]: "projects/keys/secrets/alice" },
      }),
    ).toMatchObject({
      deployKeySecret: "projects/acme-dev/secrets/config-key",
      homes: [{ deployKeySecret: "projects/keys/secrets/alice" }, {}],
    });
  });

  it("gets where to find what the inputs of its flake ask for", () => {
    const metadata = instanceMetadata({
      deployKeys: { "github.com/acme": "hunter2" },
      deployKeySecrets: { "ssh://git@git.example.com/libs": "projects/keys/secrets/libs", [byHttps]: "other" },
    });
    expect(metadata["deployKeys"]).toEqual({
      "github.com/acme": expect.stringMatching(
        /^projects\/acme-dev\/secrets\/nixos-fleet--devs--dev--input-acme-/,
      ) as string,
      "ssh://git@git.example.com/libs": "projects/keys/secrets/libs",
      [byHttps]: "projects/acme-dev/secrets/other",
    });
    expect(metadata).not.toHaveProperty("deployKeySecret");
    expect(JSON.stringify(metadata)).not.toContain("hunter2");
  });

  it("gets which host keys and signers to believe", () => {
    expect(
      instanceMetadata({
        knownHosts: ["git.example.com ssh-ed25519 AAAA", "b ssh-rsa BBBB"],
        signers: ["eve@x ssh-ed25519 AAAAC3Nz"],
      }),
    ).toMatchObject({
      knownHosts: "git.example.com ssh-ed25519 AAAA\nb ssh-rsa BBBB",
      signers: "eve@x ssh-ed25519 AAAAC3Nz",
    });
  });
});

describe("a mistake", () => {
  it.each<[Record<string, unknown>, string]>([
    [
      { deployKey: "hunter2", deployKeySecret: "x" },
      "nixos-fleet:deployKey: set either this or deployKeySecret, not both",
    ],
    [
      { deployKey: key },
      `nixos-fleet:deployKey: must be a token, one word, for "${byHttps}", which is reached by https`,
    ],
    [
      { repository: bySsh, deployKey: "hunter2" },
      `nixos-fleet:deployKey: must be an SSH private key for "${bySsh}", which is reached by SSH`,
    ],
    [
      { repository: "http://x/y", deployKeySecret: "x" },
      'nixos-fleet:deployKeySecret: "http://x/y" must be an ssh or https URL where it asks for a key: nothing else keeps it to itself',
    ],
    [
      { deployKeys: { "http://x/y": "hunter2" } },
      "nixos-fleet:deployKeys.http://x/y: the value must be HOST, HOST/PATH, https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH",
    ],
    [{ deployKeys: { [bySsh]: "hunter2" } }, `nixos-fleet:deployKeys: must be an SSH private key for "${bySsh}"`],
    [
      { deployKeys: { "github.com": "hunter2" }, deployKeySecrets: { "github.com": "x" } },
      'nixos-fleet:deployKeySecrets: "github.com" is also in deployKeys; name it in one of both',
    ],
    [
      { deployKeySecret: "secrets/x" },
      'nixos-fleet:deployKeySecret: "secrets/x" must name a secret of Secret Manager: NAME, or projects/PROJECT/secrets/NAME',
    ],
    ...["", "projects/acme-dev/secrets/"].map((place): [Record<string, unknown>, string] => [
      { deployKeySecret: `${place}nixos-fleet--devs--dev--config` },
      `nixos-fleet:deployKeySecret: "${place}nixos-fleet--devs--dev--config" is a secret that this stack makes for deployKey and deletes without it; set deployKey, or copy the secret to another name`,
    ]),
    [
      { deployKeySecrets: { "github.com": "nixos-fleet--devs--dev--input-x" } },
      'nixos-fleet:deployKeySecrets: "nixos-fleet--devs--dev--input-x" is a secret that this stack makes for deployKeys and deletes without it; set deployKeys, or copy the secret to another name',
    ],
    [
      { homeDeployKeySecrets: { [dotfiles]: "nixos-fleet--devs--dev--home-x" } },
      'nixos-fleet:homeDeployKeySecrets: "nixos-fleet--devs--dev--home-x" is a secret that this stack makes for homeDeployKeys and deletes without it; set homeDeployKeys, or copy the secret to another name',
    ],
    [
      { homeDeployKeys: { [bySsh]: key } },
      `nixos-fleet:homeDeployKeys: "${bySsh}" is not the repository of a home of this fleet`,
    ],
    [
      { homeDeployKeys: { [dotfiles]: key }, homeDeployKeySecrets: { [dotfiles]: "x" } },
      `nixos-fleet:homeDeployKeySecrets: "${dotfiles}" is also in homeDeployKeys; name it in one of both`,
    ],
    [
      { homeDeployKeys: { [dotfiles]: "hunter2" } },
      `nixos-fleet:homeDeployKeys: must be an SSH private key for "${dotfiles}", which is reached by SSH`,
    ],
    [{ knownHosts: ["git"] }, 'nixos-fleet:knownHosts[0]: "git" must be a line of known_hosts: HOST TYPE KEY'],
  ])("%# is one line", (more, line) => {
    const { mistakes } = check(more);
    expect(mistakes).toEqual([line]);
    expect(mistakes.join()).not.toContain("hunter2");
  });

  it("is a secret in clear, where it is known what is one", () => {
    const written = { deployKey: "hunter2", homeDeployKeys: { [dotfiles]: key } };
    expect(check(written).mistakes).toEqual([]);
    expect(check(written, ["nixos-fleet:deployKey"]).mistakes).toEqual([
      "nixos-fleet:homeDeployKeys: is not encrypted and must be a secret: replace the key where it came from, then pulumi config set --secret nixos-fleet:homeDeployKeys",
    ]);
    expect(check(written, ["nixos-fleet:deployKey", "nixos-fleet:homeDeployKeys"]).mistakes).toEqual([]);
  });

  it("is none to name a secret of another stack or fleet", () => {
    for (const deployKeySecret of ["nixos-fleet--devs--prod--config", "nixos-fleet--x--dev--config"])
      expect(check({ deployKeySecret }).mistakes).toEqual([]);
  });

  it("is none that a key cannot be seen", () => {
    expect(check({ repository: bySsh, deployKey: HIDDEN, homeDeployKeys: { [dotfiles]: HIDDEN } }).mistakes).toEqual(
      [],
    );
  });
});
