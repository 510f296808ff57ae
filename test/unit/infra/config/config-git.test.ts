/** What is handed to git, Nix and Google: nothing that looks like an option, holds a secret, or that Google would refuse midway. */
import { describe, expect, it } from "vitest";
import { branch, directory, signer } from "../../../../infra/config/repository/git";
import { holdsSecret, withoutCredentials } from "../../../../rules/text/credentials";
import { checkConfig, KNOWN } from "../../../../infra/config/fleet-config";
import { ownKeys } from "../../../../infra/config/parse";
import { accountId, homeKeyName, resourceNames, schedulePolicyName } from "../../../../infra/config/names";
import { checkSettings } from "../check-settings";

const SECRET =
  "must not hold a user name, password or token, which metadata and reports would show; the place for it: pulumi config set --secret nixos-fleet:deployKey (a home's: nixos-fleet:homeDeployKeys)";
const vm = (keys: object) => ({ vms: [{ name: "dev-alice", ...keys }] });
const home = (keys: object) => vm({ homes: [{ user: "alice", ...keys }] });

describe("a setting", () => {
  it.each<[Record<string, unknown>, string]>([
    [
      { repository: "https://oauth2:glpat-x@git.example.com/c.git" },
      `repository: "https://***@git.example.com/c.git" ${SECRET}`,
    ],
    [{ repository: "https://ghp_x@github.com/c.git" }, `repository: "https://***@github.com/c.git" ${SECRET}`],
    [{ repository: "ssh://git:pw@host/c.git" }, `repository: "ssh://***@host/c.git" ${SECRET}`],
    [
      { repository: "https://host/c.git?private_token=x" },
      `repository: "https://host/c.git?private_token=***" ${SECRET}`,
    ],
    [home({ repository: "https://u:t@host/h.git" }), `vms[0].homes[0].repository: "https://***@host/h.git" ${SECRET}`],
    [
      { resolveFrom: "https://u:t@host/c.git" },
      'resolveFrom: "https://***@host/c.git" must not hold a user name, password or token, which errors would show; git\'s credential helper is the place for it',
    ],
    [
      { resolveFrom: "--upload-pack=touch x" },
      'resolveFrom: "--upload-pack=touch x" must be a URL or a path, not an option',
    ],
    [
      { branch: "*" },
      'branch: "*" must be the name of one branch, such as main: no space, "..", or any of ~ ^ : ? * [ \\',
    ],
    ...["/nixos", "nixos/", "a/../b", "a b", "a//b"].map((folder): [Record<string, unknown>, string] => [
      { subdirectory: folder },
      `subdirectory: "${folder}" must be a folder of the repository, such as nixos or infra/nixos: plain names, no / at an end`,
    ]),
    [home({ user: "root" }), 'vms[0].homes[0].user: "root" must be a person\'s user name, not root'],
    [
      home({ attribute: 'a"b' }),
      'vms[0].homes[0].attribute: "a\\"b" must be a flake attribute: letters, digits, or any of _ @ . + -',
    ],
    [vm({ host: "a'b" }), 'vms[0].host: "a\'b" must be a flake attribute: letters, digits, or any of _ @ . + -'],
    [
      { signers: ["hello"] },
      'signers[0]: "hello" must be a line of an allowed signers file (ADDRESS ssh-ed25519 AAAA…) or an armoured OpenPGP public key',
    ],
    [{ directory: "/etc/../home" }, 'directory: "/etc/../home" must not have "." or ".." in it'],
    [{ fleet: "9lives" }, `fleet: "9lives" must begin with a letter, as names of Compute's resources do`],
    [
      { fleet: "f".repeat(30), schedules: [{ name: "s".repeat(30), stop: "0 20 * * *", timeZone: "UTC", rest: true }] },
      `schedules[0].name: "${"s".repeat(30)}" is refused: the resource ${"f".repeat(30)}-schedule-${"s".repeat(30)}-* would have 78 characters; Compute takes 63`,
    ],
    [
      vm({ machineType: "n4-standard-4", diskType: "pd-ssd" }),
      'vms[0].diskType: "pd-ssd" does not fit n4-standard-4, which takes hyperdisk-balanced',
    ],
    [
      vm({ machineType: "c4-standard-4", homeDisk: {} }),
      'vms[0].homeDisk.type: "pd-balanced" does not fit c4-standard-4, which takes hyperdisk-balanced',
    ],
    [
      { defaults: { diskType: "hyperdisk-balanced" } },
      'defaults.diskType: "hyperdisk-balanced" does not fit e2-standard-4, which takes pd-balanced, pd-ssd or pd-standard',
    ],
    [
      { trigger: "watch", ssh: { bastion: { host: "-oProxyCommand=x", user: "u" } } },
      'ssh.bastion.host: "-oProxyCommand=x" must be a host name or an address',
    ],
    [
      { trigger: "watch", ssh: { bastion: { host: "b", user: "u", hostKey: "ssh-rsa AAAA" } } },
      'ssh.bastion.hostKey: "ssh-rsa AAAA" must be the ed25519 or ecdsa host key of the bastion; Pulumi\'s command provider does not accept RSA',
    ],
  ])("%j is refused in one line that quotes no secret", (settings, line) => {
    expect(checkSettings(settings).mistakes).toContain(`nixos-fleet:${line}`);
    expect(checkSettings(settings).mistakes.filter((other) => !other.includes(line.split(":")[0] ?? ""))).toEqual([]);
  });

  it.each([
    ["fleet:follow", "fleet:follow: unknown namespace; did you mean nixos-fleet:follow?"],
    ["google:project", "google:project: unknown namespace; did you mean gcp:project?"],
    ["nixosFleet:vms", "nixosFleet:vms: unknown namespace; did you mean nixos-fleet:vms?"],
  ])("in the namespace of %s is not ignored", (key, line) => {
    expect(checkConfig({ [key]: "x" }, "dev").mistakes).toContain(line);
  });

  it("of another program's namespace is none of this one's", () => {
    const others = [
      "aws:profile",
      "aws:region",
      "google-native:project",
      "acme:image",
      "pulumi:tags",
      "datadog:apiKey",
    ];
    const { mistakes } = checkConfig(Object.fromEntries(others.map((key) => [key, "x"])), "dev");
    expect(mistakes.filter((line) => line.includes("unknown namespace"))).toEqual([]);
  });

  it("of the project's own namespace, where Pulumi puts a key without one, may be meant for the fleet", () => {
    const raw = { "acme:follow": "approved", "acme:color": "red", "acme:branch": "x", "nixos-fleet:branch": "main" };
    expect(ownKeys(raw, "acme", KNOWN)).toEqual([
      "acme:follow: this key is the program's own, and no setting of the fleet; did you mean nixos-fleet:follow?",
    ]);
    expect(ownKeys(raw, "other", KNOWN)).toEqual([]);
    expect(ownKeys({ "nixos-fleet:follow": "approved" }, "nixos-fleet", KNOWN)).toEqual([]);
  });
});

it.each(["n4-standard-4", "c4d-highmem-8"])(
  "a boot disk of %s is one that it takes, where nothing is said",
  (machineType) => {
    expect(checkSettings(vm({ machineType })).config?.vms[0]?.diskType).toBe("hyperdisk-balanced");
    expect(checkSettings(vm({})).config?.vms[0]?.diskType).toBe("pd-balanced");
  },
);

describe("git's and Nix's shapes", () => {
  it.each(["main", "release-26.05", "feature/x_y", "a@b", "v1.0"])("take the branch %s", (name) =>
    expect(branch.safeParse(name).success).toBe(true),
  );
  it.each([
    "",
    "-x",
    "a:b",
    "a..b",
    "a b",
    "x.lock",
    "a/.b",
    "/a",
    "a/",
    "a//b",
    "@",
    "a@{1}",
    "a.",
    "a~1",
    "a\\b",
    "a\nb",
  ])("refuse the branch %j", (name) => expect(branch.safeParse(name).success).toBe(false));
  it.each(["/etc/nixos", "/srv/config", "/var/lib/config-1"])("take the directory %s", (path) =>
    expect(directory.safeParse(path).success).toBe(true),
  );
  it.each([
    "etc",
    "/",
    "/home/alice/x",
    "/home",
    "/nix/x",
    "/tmp/x",
    "/run/x",
    "/etc/./x",
    "/a//b",
    "/a b",
    "/etc/$(x)",
  ])("refuse the directory %s", (path) => expect(directory.safeParse(path).success).toBe(false));
  it.each([
    "infra@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDfBDFTmzTWJnCTnlPL7zTzoiEyS0hFYvKmTyVhyiKWS",
    'eve@example.com valid-before="20261130" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDfBDFTmzTWJnCTnlPL7zTzoiEyS0hFYvKmTyVhyiKWS',
    'a@x,b@x namespaces="git" ecdsa-sha2-nistp256 AAAAE2Vj= laptop',
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ\n-----END PGP PUBLIC KEY BLOCK-----\n",
  ])("take the signer %j", (text) => expect(signer.safeParse(text).success).toBe(true));

  it("tell URLs with secrets from others, and hide them in any text", () => {
    for (const url of [
      "https://a:b@h/x",
      "http://a@h/x",
      "ssh://a:b@h/x",
      "git://a@h/x",
      "https://h/x?access_token=b",
    ]) {
      expect(holdsSecret(url), url).toBe(true);
      expect(withoutCredentials(`fatal: cannot read ${url}: no`), url).not.toMatch(/a:b|\/a@|=b/);
    }
    for (const url of ["https://h/x", "ssh://git@h/x", "git@h:x", "https://h/a@b", "/srv/a:b@c"])
      expect(holdsSecret(url), url).toBe(false);
  });
});

describe("derived names", () => {
  it("stay within Google's limits for the longest fleet, stack and repository", () => {
    const [fleet, stack] = ["f".repeat(30), "s".repeat(30)];
    for (const name of Object.values(resourceNames(fleet))) expect(`${name}-0123456`.length).toBeLessThanOrEqual(63);
    expect(schedulePolicyName("devs", "office")).toBe("devs-schedule-office");
    expect(accountId(fleet, stack).length).toBeLessThanOrEqual(30);
    expect(`nixos-fleet--${fleet}--${stack}--${homeKeyName(`https://h/${"x".repeat(300)}`)}`.length).toBeLessThan(255);
  });
});
