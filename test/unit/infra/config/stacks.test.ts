/** Several stacks that share one list of VMs: who belongs to which, and what each stack makes of the list. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignStacks } from "../../../../infra/config/vms/stacks";
import { checkSettings } from "../check-settings";

const vms = [
  { name: "dev-alice", labels: { team: "a" } },
  { name: "dev-bob", labels: { team: "b" } },
  { name: "dev-carol" },
];
const here = { name: "dev", labels: { team: "b" } };
const there = { name: "eu-b", rest: true };

describe("a stack's share", () => {
  it("is its own VMs, by name, by label, or the rest", () => {
    const names = (stacks: object[]) => checkSettings({ vms, stacks }).config?.vms.map(({ name }) => name);
    expect(names([here, there])).toEqual(["dev-bob"]);
    expect(
      names([
        { name: "eu-b", labels: { team: "b" } },
        { name: "dev", rest: true },
      ]),
    ).toEqual(["dev-alice", "dev-carol"]);
    // A name goes before a label, whichever stack comes first.
    expect(
      names([
        { name: "eu-b", vms: ["dev-bob"] },
        { ...here, labels: {} },
      ]),
    ).toEqual(["dev-alice", "dev-carol"]);
    // Labels of all VMs count too.
    const { config } = checkSettings({ vms, stacks: [here, there], defaults: { labels: { team: "b" } } });
    expect(config?.vms.map(({ name }) => name)).toEqual(["dev-bob", "dev-carol"]);
    expect(config?.stackOf).toEqual({ "dev-alice": "eu-b", "dev-bob": "dev", "dev-carol": "dev" });
  });

  it("takes no part in what is wrong with VMs of another stack", () => {
    const elsewhere = [{ ...vms[0], zone: "us-east1-b" }, ...vms.slice(1)];
    expect(checkSettings({ vms: elsewhere, stacks: [here, there] }).mistakes).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["a mistake in the list", { vms: [vms[0], { ...vms[1], machineType: "x" }] }, "vms[1].machineType"],
    [
      "a VM of another stack in a wave",
      {
        waves: [
          { name: "canary", vms: ["dev-alice"] },
          { name: "rest", rest: true },
        ],
      },
      'waves[0].vms: "dev-alice" is in stack "eu-b"',
    ],
    ["a stack that is not named", { stacks: [there] }, 'stacks: this stack, "dev", is not among them: "eu-b"'],
    ["strays", { stacks: [here] }, 'stacks: "dev-alice", "dev-carol" are in no stack; give one stack rest: true'],
    [
      "a stack twice",
      { stacks: [here, here, there] },
      'stacks[1].name: "dev" is used twice; names of stacks are unique',
    ],
    [
      "two ways",
      { stacks: [{ ...here, rest: true }] },
      'stacks[0]: "dev" must have one of vms (names), labels or rest: true',
    ],
    [
      "two rests",
      { stacks: [there, { name: "dev", rest: true }] },
      "stacks[1].rest: only one stack may have rest: true",
    ],
    [
      "an unknown VM",
      { stacks: [{ name: "dev", vms: ["dev-x"] }, there] },
      'stacks[0].vms: "dev-x" is not in the list of VMs',
    ],
    [
      "a VM twice",
      {
        stacks: [
          { name: "dev", vms: ["dev-bob"] },
          { name: "eu-b", vms: ["dev-bob"] },
        ],
      },
      'stacks[1].vms: "dev-bob" is in stack "dev" already',
    ],
    ["an empty list", { vms: [] }, "vms: [] must name at least one VM"],
  ])("says %s as it is written", (_, more, line) => {
    const { config, mistakes } = checkSettings({ vms, stacks: [here, there], ...more });
    expect(config).toBeUndefined();
    expect(mistakes.join("\n")).toContain(`nixos-fleet:${line}`);
  });

  it("may be empty, whatever waves, schedules and snapshots say of VMs", () => {
    const waves = [
      { name: "canary", vms: ["dev-alice"] },
      { name: "rest", rest: true },
    ];
    const schedules = [{ name: "nights", stop: "0 20 * * *", timeZone: "UTC", rest: true }];
    const stacks = [{ name: "dev", labels: { team: "c" } }, there];
    const { config, mistakes } = checkSettings({ vms, stacks, waves, schedules, snapshots: {} });
    expect(mistakes).toEqual([]);
    expect(config).toMatchObject({ vms: [], waves: [] });
  });

  it("is the list, where the settings name no stacks", () =>
    expect(checkSettings({ vms }).config?.vms).toHaveLength(3));
});

describe("an existing network and account", () => {
  const subnetwork = "projects/acme-dev/regions/europe-west1/subnetworks/a";
  const network = "https://www.googleapis.com/compute/v1/projects/acme-dev/global/networks/a";
  const account = "a@acme-dev.iam.gserviceaccount.com";
  it.each<[string, Record<string, unknown>, string | undefined]>([
    ["are taken", { existingNetwork: { network, subnetwork }, serviceAccount: account }, undefined],
    ["are links", { existingNetwork: { network: "a", subnetwork } }, "existingNetwork.network:"],
    ["are an address", { serviceAccount: "a" }, "serviceAccount:"],
    [
      "are in the region",
      { existingNetwork: { network, subnetwork: subnetwork.replace("west1", "west4") } },
      'existingNetwork.subnetwork: projects/acme-dev/regions/europe-west4/subnetworks/a is not in gcp:region "europe-west1"',
    ],
    [
      "are of one project",
      { existingNetwork: { network, subnetwork: subnetwork.replace("acme-dev", "acme-web") } },
      "existingNetwork.subnetwork: projects/acme-web/regions/europe-west1/subnetworks/a is not in the network's project acme-dev",
    ],
    [
      "are of one project, which one link names by its number",
      { existingNetwork: { network, subnetwork: subnetwork.replace("acme-dev", "1234") } },
      undefined,
    ],
  ])("%s", (_, more, line) => {
    const { mistakes } = checkSettings(more);
    if (line === undefined) expect(mistakes).toEqual([]);
    else expect(mistakes.join("\n")).toContain(`nixos-fleet:${line}`);
  });
});

it("each VM is in exactly one stack, and stays there when others come or go", () => {
  const label = fc.constantFrom("a", "b", "c", "d");
  const list = fc.uniqueArray(
    fc.record({ name: fc.stringMatching(/^[a-z]{1,6}$/), labels: fc.record({ team: label }) }),
    {
      selector: ({ name }) => name,
      minLength: 1,
    },
  );
  const stacks = [
    { name: "one", labels: { team: "a" } },
    { name: "two", labels: { team: "b" } },
    { name: "others", rest: true as const },
  ];
  fc.assert(
    fc.property(list, fc.nat(), (vms, gone) => {
      const { stackOf, mistakes } = assignStacks(stacks, vms);
      expect(mistakes).toEqual([]);
      expect(Object.keys(stackOf).sort()).toEqual(vms.map(({ name }) => name).sort());
      const left = vms.filter((_, index) => index !== gone % vms.length);
      expect(stackOf).toMatchObject(assignStacks(stacks, left).stackOf);
    }),
  );
});
