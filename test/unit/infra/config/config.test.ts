import { describe, expect, it } from "vitest";
import { checkConfig, type RawConfig } from "../../../../infra/config/fleet-config";

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
    [{ "nixos-fleet:vmss": "x" }, 'nixos-fleet:vmss: unknown key; did you mean "vms"?'],
    [{ "nixos-fleet:repository": undefined }, "nixos-fleet:repository: must be set"],
    [
      { "nixos-fleet:repository": "/srv/config" },
      'nixos-fleet:repository: "/srv/config" must be an http(s), ssh or git URL: the VMs clone it from there',
    ],
    [
      { "nixos-fleet:vms": [{ name: "Dev_Alice" }] },
      'nixos-fleet:vms[0].name: "Dev_Alice" must be a Compute name: a lower-case letter first, then letters, digits or -, 63 at most',
    ],
    [
      { "nixos-fleet:vms": [{ name: "a", colour: "red" }] },
      "nixos-fleet:vms[0].colour: unknown key; the keys here are name, owner, host, zone, machineType, diskSizeGb, diskType, homeDisk, image, homes, labels, deletionProtection",
    ],
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
      'nixos-fleet:waves[0].vms: "dev-zoe" is not a VM of this fleet',
    ],
    [
      { "nixos-fleet:bootTimeout": "soon" },
      'nixos-fleet:bootTimeout: "soon" must be a duration such as "90s", "20m" or "1h30m"',
    ],
    [
      { "nixos-fleet:ssh": { addresses: { "dev-alice": "10.0.0.2:99999" } } },
      'nixos-fleet:ssh.addresses.dev-alice: "10.0.0.2:99999" must be HOST:PORT with a port from 1 to 65535',
    ],
    [
      { "nixos-fleet:trigger": "ssh" },
      "nixos-fleet:sshPrivateKey: must be set where trigger is ssh (pulumi config set --secret nixos-fleet:sshPrivateKey)",
    ],
  ])("refuses %j in one line", (changes, line) => {
    expect(check(changes).mistakes).toContain(line);
  });

  it.each([
    ["10.128.0.5/20", "10.128.0.0/20"],
    ["10.0.0.0/4", "10.0.0.0/8"],
    ["192.168.1.7/32", "192.168.1.0/29"],
    ["255.255.255.255/16", "255.255.0.0/16"],
  ])("refuses the range %s, which Compute does not take for a subnet, and names one", (cidr, right) => {
    expect(check({ "nixos-fleet:network": { cidr } }).mistakes).toEqual([
      `nixos-fleet:network.cidr: "${cidr}" must be a range from /8 to /29 by its first address, such as ${right}`,
    ]);
    expect(check({ "nixos-fleet:network": { cidr: right } }).mistakes).toEqual([]);
  });

  it("refuses what is no range at all in one line", () =>
    expect(check({ "nixos-fleet:network": { cidr: "10.128.0.0" } }).mistakes).toEqual([
      'nixos-fleet:network.cidr: "10.128.0.0" must be an IPv4 range such as 10.128.0.0/20',
    ]));

  it("takes a VM whose name every object has", () => {
    const vms = [{ name: "constructor" }, { name: "valueof" }];
    const waves = [{ name: "all", rest: true }];
    const stacks = [{ name: "dev", rest: true }];
    const schedules = [{ name: "office", vms: ["valueof"], start: "0 7 * * 1-5", timeZone: "Europe/Brussels" }];
    const { config, mistakes } = check({
      "nixos-fleet:vms": vms,
      "nixos-fleet:waves": waves,
      "nixos-fleet:stacks": stacks,
      "nixos-fleet:schedules": schedules,
    });
    expect(mistakes).toEqual([]);
    expect(config?.waves[0]?.vms).toEqual(["constructor", "valueof"]);
    expect(config?.vms.map(({ wave, schedule }) => [wave, schedule])).toEqual([
      ["all", undefined],
      ["all", "office"],
    ]);
  });

  it("names all mistakes at once and still says where the repository is", () => {
    const checked = check({ "gcp:project": undefined, "nixos-fleet:vmss": "x", "nixos-fleet:follow": "main" });
    expect(checked.mistakes).toHaveLength(3);
    expect(checked.config).toBeUndefined();
    expect(checked.source).toMatchObject({ repository: "https://git.example.com/config.git" });
  });

  it("checks what it can where another key is wrong", () => {
    const vms = [{ name: "a", zone: "us-east1-b", labels: { Team: "x" } }, { name: "a" }];
    const { mistakes } = check({
      "nixos-fleet:vms": vms,
      "nixos-fleet:waves": [{ name: "one", vms: [], timeout: "soon" }],
    });
    expect(mistakes.map((line) => line.split(": ")[0])).toEqual([
      "nixos-fleet:vms[0].labels.Team",
      "nixos-fleet:waves[0].timeout",
      "nixos-fleet:vms[1].name",
      "nixos-fleet:vms[0].zone",
      "nixos-fleet:waves",
      "nixos-fleet:waves[0]",
    ]);
  });

  it.each([
    [
      { "nixos-fleet:fleet": "Devs" },
      'nixos-fleet:fleet: "Devs" must be 1 to 30 lower-case letters or digits, with single - between them',
    ],
    [{ "gcp:zone": "west" }, 'gcp:zone: "west" must be a zone such as europe-west1-b'],
    [{ "nixos-fleet:resolveFrom": "" }, 'nixos-fleet:resolveFrom: "" must not be empty'],
    [{ "nixos-fleet:waves": [] }, "nixos-fleet:waves: [] must name at least one wave"],
    [
      { "nixos-fleet:waves": [{ name: "all", rest: true, rebootDeadline: 24 }] },
      'nixos-fleet:waves[0].rebootDeadline: 24 must be a duration such as "90s", "20m" or "1h30m"',
    ],
    [
      {
        "nixos-fleet:existingNetwork": {
          network: "office",
          subnetwork: "projects/p/regions/europe-west1/subnetworks/s",
        },
      },
      'nixos-fleet:existingNetwork.network: "office" must be a network\'s self link, or projects/PROJECT/global/networks/NAME',
    ],
  ])("says of a value of the wrong shape only that: %o", (changes, line) =>
    expect(check(changes).mistakes).toEqual([line]),
  );

  it("says of a secret of the wrong shape also that it is in clear", () => {
    const raw = { ...small, "nixos-fleet:deployKey": "two words" };
    expect(checkConfig(raw, "dev", []).mistakes).toHaveLength(2);
  });

  it("never shows a secret", () => {
    const { mistakes } = check({ "nixos-fleet:sshPrivateKey": [1, "hunter2"] });
    expect(mistakes).toHaveLength(1);
    expect(mistakes.join()).not.toContain("hunter2");
  });

  it("reads all that can be said of a wave", () => {
    const waves = [
      {
        name: "first",
        labels: { team: "infra" },
        maxFailures: "10%",
        timeout: "5m",
        pause: "1h30m",
        onFailure: "rollback",
      },
      { name: "some", share: "20%", homes: "gate", parallel: 4, reboot: "required", rebootDeadline: "24h" },
      { name: "rest", rest: true },
    ];
    const vms = [{ name: "a", labels: { team: "infra" } }, { name: "b" }, { name: "c" }, { name: "d" }];
    const { config, mistakes } = check({ "nixos-fleet:vms": vms, "nixos-fleet:waves": waves });
    expect(mistakes).toEqual([]);
    const usual = { maxFailures: 0, timeout: 1200, pause: 0, onFailure: "hold", homes: "report" };
    expect(config?.waves[0]).toEqual({
      ...usual,
      ...{
        minSucceeded: 1,
        name: "first",
        vms: ["a"],
        maxFailures: "10%",
        timeout: 300,
        pause: 5400,
        onFailure: "rollback",
      },
    });
    expect(config?.waves[1]).toMatchObject({
      homes: "gate",
      parallel: 4,
      minSucceeded: 0,
      reboot: "required",
      rebootDeadline: 86_400,
    });
    expect(config?.waves[2]).toMatchObject({ ...usual, name: "rest" });
  });

  it.each([
    [{ minSucceeded: -1 }, "waves[0].minSucceeded: -1 must be a number of VMs"],
    [{ minSucceeded: 9 }, 'waves[0].minSucceeded: 9 is more than the 1 VMs of wave "all"'],
    [{ reboot: "always" }, 'waves[0].reboot: "always" must be "required", or omitted'],
    [{ rebootDeadline: "24h" }, 'waves[0].rebootDeadline: "24h" has no effect without reboot: required'],
    [{ maxParallel: 0 }, "waves[0].maxParallel: 0 must be a number of VMs"],
    [{ maxFailures: "many" }, 'waves[0].maxFailures: "many" must be a number of VMs or a share such as 10%'],
    [{ maxFailures: "110%" }, 'waves[0].maxFailures: "110%" must be a number of VMs or a share such as 10%'],
    [{ maxFailures: -1 }, "waves[0].maxFailures: -1 must be a number of VMs or a share such as 10%"],
    [{ pause: "long" }, 'waves[0].pause: "long" must be a duration such as "90s", "20m" or "1h30m"'],
    [{ timeout: "0s" }, 'waves[0].timeout: "0s" must be a duration such as "90s", "20m" or "1h30m"'],
    [{ rest: undefined, share: "0%" }, 'waves[0].share: "0%" must be a share of the VMs that are left, such as 20%'],
    [{ rest: undefined, share: 20 }, "waves[0].share: 20 must be a share of the VMs that are left, such as 20%"],
    [{ parallel: 0 }, "waves[0].parallel: 0 must be 1 or more"],
    [{ onFailure: "panic" }, "waves[0].onFailure"],
    [{ homes: "no" }, "waves[0].homes"],
  ])("refuses a wave with %j in one line", (changes, line) => {
    const { mistakes } = check({ "nixos-fleet:waves": [{ name: "all", rest: true, ...changes }] });
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(`nixos-fleet:${line}`);
  });
});
