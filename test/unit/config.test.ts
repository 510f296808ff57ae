import { describe, expect, it } from "vitest";
import { checkConfig, type RawConfig } from "../../infra/config";

const small: RawConfig = {
  "gcp:project": "acme-dev",
  "gcp:region": "europe-west1",
  "nixos-fleet:repository": "https://git.example.com/config.git",
  "nixos-fleet:vms": JSON.stringify([{ name: "dev-alice", homes: [{ user: "alice" }] }]),
};

const check = (changes: Record<string, unknown>) => {
  const raw: Record<string, string> = { ...small };
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) Reflect.deleteProperty(raw, key);
    else raw[key] = typeof value === "string" ? value : JSON.stringify(value);
  }
  return checkConfig(raw, "dev");
};

describe("the stack's configuration", () => {
  it("fills in every default", () => {
    expect(check({})).toMatchObject({
      mistakes: [],
      source: { key: "repository", branch: "main" },
      config: {
        fleet: "devs",
        stack: "dev",
        directory: "/etc/nixos",
        follow: "branch",
        deletionProtection: true,
        bootTimeout: 900,
        trigger: "watch",
        vms: [
          {
            name: "dev-alice",
            host: "dev-alice",
            wave: "all",
            zone: "europe-west1-b",
            machineType: "e2-standard-4",
            homes: [{ user: "alice", attribute: "alice" }],
          },
        ],
        waves: [{ name: "all", vms: ["dev-alice"], maxFailures: 0, timeout: 1200 }],
      },
    });
  });

  it.each([
    [{ "gcp:project": undefined }, "gcp:project: must be set: the Google Cloud project that gets the fleet"],
    [{ "nixos-fleet:vmss": "x" }, "nixos-fleet:vmss: unknown key"],
    [{ "nixos-fleet:repository": undefined }, "nixos-fleet:repository: must be set"],
    [
      { "nixos-fleet:repository": "/srv/config" },
      'nixos-fleet:repository: "/srv/config" must be an http(s), ssh or git URL: the VMs clone it from there',
    ],
    [
      { "nixos-fleet:vms": [{ name: "Dev_Alice" }] },
      'nixos-fleet:vms[0].name: "Dev_Alice" must be a Compute name: a lower-case letter first, then letters, digits or -, 63 at most',
    ],
    [{ "nixos-fleet:vms": [{ name: "a", colour: "red" }] }, "nixos-fleet:vms[0].colour: unknown key"],
    [
      { "nixos-fleet:vms": [{ name: "a", zone: "us-east1-b" }] },
      'nixos-fleet:vms[0].zone: "us-east1-b" is not in gcp:region "europe-west1", where the fleet\'s subnet is',
    ],
    [
      {
        "nixos-fleet:waves": [
          { name: "canary", vms: [] },
          { name: "rest", rest: true },
        ],
      },
      'nixos-fleet:waves[0]: "canary" has no VM; give it one or remove it',
    ],
    [
      {
        "nixos-fleet:waves": [
          { name: "canary", vms: ["dev-zoe"] },
          { name: "rest", rest: true },
        ],
      },
      'nixos-fleet:waves[0].vms: "dev-zoe" is no VM of this fleet',
    ],
    [
      { "nixos-fleet:bootTimeout": "soon" },
      'nixos-fleet:bootTimeout: "soon" must be a duration such as "90s", "20m" or "1h"',
    ],
    [
      { "nixos-fleet:trigger": "ssh" },
      "nixos-fleet:sshPrivateKey: must be set where trigger is ssh (pulumi config set --secret nixos-fleet:sshPrivateKey)",
    ],
  ])("refuses %j in one line", (changes, line) => {
    expect(check(changes).mistakes).toContain(line);
  });

  it("names all mistakes at once and still says where the repository is", () => {
    const checked = check({ "gcp:project": undefined, "nixos-fleet:vmss": "x", "nixos-fleet:follow": "main" });
    expect(checked.mistakes).toHaveLength(3);
    expect(checked.config).toBeUndefined();
    expect(checked.source).toMatchObject({ repository: "https://git.example.com/config.git" });
  });

  it("never shows a secret", () => {
    const { mistakes } = check({ "nixos-fleet:sshPrivateKey": [1, "hunter2"] });
    expect(mistakes).toHaveLength(1);
    expect(mistakes.join()).not.toContain("hunter2");
  });
});
