import { describe, expect, it } from "vitest";
import { checkConfig } from "../../../infra/config/fleet-config";
import { accessOf, loginPolicy, peopleOf } from "../../../infra/components/iam";
import { accountId, nameParts } from "../../../infra/config/names";

const infra = "group:infra@example.com";
const developers = "group:devs@example.com";

function configured(extra: Record<string, unknown>) {
  const vms = [
    { name: "dev-alice", owner: "alice@example.com" },
    { name: "dev-bob", owner: "bob@example.com", zone: "europe-west1-c" },
  ];
  const keys = Object.entries({ vms, teams: { infra: [infra], developers: [developers] }, ...extra });
  return checkConfig(
    {
      "gcp:project": "acme-dev",
      "gcp:region": "europe-west1",
      "nixos-fleet:repository": "https://git.example.com/config.git",
      ...Object.fromEntries(
        keys.map(([key, value]) => [`nixos-fleet:${key}`, typeof value === "string" ? value : JSON.stringify(value)]),
      ),
    },
    "dev",
  );
}

function admitted(extra: Record<string, unknown>): string[] {
  const { config, mistakes } = configured(extra);
  if (!config) throw new Error(mistakes.join("\n"));
  return accessOf(config).flatMap(({ vm, zone, administrators, users }) => [
    ...administrators.map((member) => `${vm} ${zone} ${member} osAdminLogin`),
    ...users.map((member) => `${vm} ${zone} ${member} osLogin`),
  ]);
}

describe("who may log in", () => {
  it("is no one that the configuration does not name", () => {
    expect(admitted({ teams: {} })).toEqual([]);
  });

  it("is both teams everywhere, each in its own role", () => {
    expect(admitted({})).toEqual([
      `dev-alice europe-west1-b ${infra} osAdminLogin`,
      `dev-alice europe-west1-b ${developers} osLogin`,
      `dev-bob europe-west1-c ${infra} osAdminLogin`,
      `dev-bob europe-west1-c ${developers} osLogin`,
    ]);
  });

  it("is the owner instead of the developers where VMs are their owners' own", () => {
    expect(admitted({ access: "owners" })).toEqual([
      `dev-alice europe-west1-b ${infra} osAdminLogin`,
      "dev-alice europe-west1-b user:alice@example.com osLogin",
      `dev-bob europe-west1-c ${infra} osAdminLogin`,
      "dev-bob europe-west1-c user:bob@example.com osLogin",
    ]);
  });

  it("names no one twice on a VM: an administrator needs no plain role", () => {
    expect(admitted({ teams: { infra: ["user:alice@example.com"] }, access: "owners" })).toEqual([
      "dev-alice europe-west1-b user:alice@example.com osAdminLogin",
      "dev-bob europe-west1-c user:alice@example.com osAdminLogin",
      "dev-bob europe-west1-c user:bob@example.com osLogin",
    ]);
  });

  it("is one policy a VM, whatever the order and the capitals of its people", () => {
    const policy = (teams: object) => {
      const { config } = configured({ teams });
      const [access] = config ? accessOf(config) : [];
      return access && loginPolicy(access);
    };
    const one = policy({ infra: [infra], developers: ["user:Bob.B@example.com", "user:bob-b@example.com"] });
    expect(one).toBe(policy({ infra: [infra], developers: ["user:bob-b@example.com", "user:bob.b@example.com"] }));
    const { bindings } = JSON.parse(one ?? "{}") as {
      bindings: { role: string; members: string[]; condition: object }[];
    };
    expect(bindings.map(({ role, members }) => [role, members])).toEqual([
      ["roles/compute.osAdminLogin", [infra]],
      ["roles/compute.osLogin", ["user:bob-b@example.com", "user:bob.b@example.com"]],
    ]);
    for (const { condition } of bindings) expect(condition).toMatchObject({ title: "nixos-fleet" });
  });

  it("acts as the VMs' account, each person once", () => {
    const { config } = configured({ access: "owners" });
    expect(config && peopleOf(accessOf(config))).toEqual([infra, "user:alice@example.com", "user:bob@example.com"]);
  });

  it.each([
    [
      { teams: { infra: ["allUsers"] } },
      'nixos-fleet:teams.infra[0]: "allUsers" must be user:ADDRESS or group:ADDRESS',
    ],
    [
      { access: "owners", vms: [{ name: "dev-alice" }] },
      "nixos-fleet:vms[0].owner: must be set where access is owners",
    ],
    [
      { access: "owners", vms: [{ name: "dev-alice", owner: "alice" }] },
      'nixos-fleet:vms[0].owner: "alice" must be a person\'s address where access is owners',
    ],
  ])("cannot be said by %j", (extra, line) => {
    expect(configured(extra).mistakes).toEqual([line]);
  });
});

describe("a name", () => {
  it("of an address is fit for a resource, and another one for each address", () => {
    const [first, second, third] = nameParts(["dev_s@Example.com", "dev.s@example.com", "bob@example.com"]);
    expect([first, third]).toEqual(["dev-s-example-com", "bob-example-com"]);
    expect(second).toMatch(/^dev-s-example-com-[0-9a-f]{8}$/);
  });

  it("of an account is the fleet's and the stack's, cut where IAM wants it shorter, and never the same for two", () => {
    expect(accountId("devs", "dev")).toBe("fleet-devs-dev");
    const long = ["a".repeat(30), `${"a".repeat(29)}b`].map((stack) => accountId("devs", stack));
    expect(new Set(long).size).toBe(2);
    expect(accountId("a-b", "c")).not.toBe(accountId("a", "b-c"));
    for (const id of [...long, accountId("d", "s"), accountId("a-b", "c")])
      expect(id).toMatch(/^[a-z][-a-z0-9]{4,28}[a-z0-9]$/);
  });
});
