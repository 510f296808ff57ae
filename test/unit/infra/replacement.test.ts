/** What an update would do to the VMs and disks that are there. */
import { describe, expect, it } from "vitest";
import type { PresentDisk, PresentVm } from "../../../rules/contract";
import { checkChanges, movingVms, existingHomeDisks } from "../../../infra/preflight/replacement";
import { checkSettings } from "./check-settings";

const whose = { fleet: "devs", stack: "dev" };
const alice: PresentVm = {
  ...whose,
  name: "dev-alice",
  zone: "europe-west1-b",
  wave: "all",
  machineType: "e2-standard-4",
  running: true,
  deletionProtection: false,
  bootDiskGb: 100,
  cidr: "10.128.0.0/20",
};
const home: PresentDisk = {
  ...whose,
  name: "dev-alice-home",
  zone: "europe-west1-b",
  type: "pd-balanced",
  sizeGb: 100,
};

function configured(vm: object = {}, more: Record<string, unknown> = {}) {
  const { config, mistakes } = checkSettings({ vms: [{ name: "dev-alice", ...vm }], ...more });
  if (!config) throw new Error(mistakes.join("\n"));
  return config;
}

const replace = { replace: ["dev-alice"] };

describe("a VM", () => {
  it.each<[string, object, Record<string, unknown>, Partial<PresentVm>, string[]]>([
    ["as it is", {}, {}, {}, []],
    ["that is not there yet", { zone: "europe-west1-c" }, {}, { name: "dev-bob" }, []],
    [
      "in another zone",
      { zone: "europe-west1-c" },
      {},
      {},
      [
        "vms[0].zone: europe-west1-c would replace dev-alice, which is in europe-west1-b; to allow that, name it in nixos-fleet:replace",
      ],
    ],
    ["in another zone that is named", { zone: "europe-west1-c" }, replace, {}, []],
    [
      "in another zone that is named and protected",
      { zone: "europe-west1-c" },
      replace,
      { deletionProtection: true },
      ["vms[0].deletionProtection: must be false, and applied, before dev-alice can be replaced"],
    ],
    ["that is named, protected and as it is", {}, replace, { deletionProtection: true }, []],
    [
      "of another machine type, left in replace",
      { machineType: "n2-standard-8" },
      replace,
      {},
      [
        "vms[0].machineType: n2-standard-8 takes a stop and a start of dev-alice, which runs as e2-standard-4; to allow that, set nixos-fleet:allowStopping to true",
      ],
    ],
    [
      "of another machine type",
      { machineType: "n2-standard-4" },
      {},
      {},
      [
        "vms[0].machineType: n2-standard-4 takes a stop and a start of dev-alice, which runs as e2-standard-4; to allow that, set nixos-fleet:allowStopping to true",
      ],
    ],
    ["of another machine type that may be stopped", { machineType: "n2-standard-4" }, { allowStopping: true }, {}, []],
    ["of another machine type that is stopped", { machineType: "n2-standard-4" }, {}, { running: false }, []],
    ["in a wider subnet", {}, { network: { cidr: "10.128.0.0/16" } }, {}, []],
    ...["10.128.0.0/21", "10.129.0.0/20", "10.0.0.0/9"].map(
      (cidr): [string, object, Record<string, unknown>, Partial<PresentVm>, string[]] => [
        `in the subnet ${cidr}`,
        {},
        { network: { cidr } },
        {},
        [
          `network.cidr: ${cidr} does not hold 10.128.0.0/20, the subnet of dev-alice; a subnet can be widened and not moved`,
        ],
      ],
    ),
    [
      "whose name another fleet has",
      {},
      {},
      { fleet: "others" },
      ["vms[0].name: dev-alice is there already in europe-west1-b, of fleet others, stack dev"],
    ],
    [
      "whose name another stack has",
      {},
      {},
      { stack: "prod" },
      ["vms[0].name: dev-alice is there already in europe-west1-b, of fleet devs, stack prod"],
    ],
    ["whose name another stack has elsewhere", {}, {}, { stack: "prod", zone: "europe-west1-d" }, []],
  ])("%s", (_, vm, more, present, mistakes) => {
    const { mistakes: found } = checkChanges(configured(vm, more), { vms: [{ ...alice, ...present }], disks: [] });
    expect(found).toEqual(mistakes);
  });

  it.each<[number, string[]]>([
    [100, []],
    [
      200,
      [
        "the boot disk of dev-alice has 100 GB, not the 200 of diskSizeGb; to have it grow: gcloud compute disks resize dev-alice --zone=europe-west1-b --size=200",
      ],
    ],
    [50, ["the boot disk of dev-alice has 100 GB, not the 50 of diskSizeGb, and a disk never shrinks"]],
  ])("whose boot disk should have %d GB", (diskSizeGb, warnings) =>
    expect(checkChanges(configured({ diskSizeGb }), { vms: [alice], disks: [] })).toEqual({ mistakes: [], warnings }),
  );
});

describe("a home disk", () => {
  it.each<[string, object, Partial<PresentDisk>, string[]]>([
    ["as it is", {}, {}, []],
    ["that grows", { sizeGb: 200 }, {}, []],
    [
      "that shrinks",
      { sizeGb: 50 },
      {},
      ["vms[0].homeDisk.sizeGb: 50 is less than the 100 GB that dev-alice-home has; a disk never shrinks"],
    ],
    [
      "of another type",
      { type: "pd-ssd" },
      {},
      ["vms[0].homeDisk.type: pd-ssd is not what dev-alice-home is, pd-balanced; a disk keeps its type"],
    ],
    [
      "of another stack",
      {},
      { stack: "prod" },
      ["vms[0].homeDisk: dev-alice-home is there already in europe-west1-b, of fleet devs, stack prod"],
    ],
  ])("%s", (_, homeDisk, present, mistakes) =>
    expect(checkChanges(configured({ homeDisk }), { vms: [alice], disks: [{ ...home, ...present }] })).toEqual({
      mistakes,
      warnings: [],
    }),
  );

  it("stays behind when its VM is replaced, unless there is one already where the VM goes", () => {
    const config = configured({ homeDisk: {}, zone: "europe-west1-c" }, replace);
    const there = { ...home, zone: "europe-west1-c" };
    expect(checkChanges(config, { vms: [alice], disks: [home] }).warnings).toEqual([
      "dev-alice-home stays in europe-west1-b, and dev-alice begins with a blank one; to take it along, make dev-alice-home in europe-west1-c from a snapshot first",
    ]);
    expect(checkChanges(config, { vms: [alice], disks: [home, there] }).warnings).toEqual([]);
    expect(existingHomeDisks(config, { vms: [alice], disks: [home] })).toEqual({});
    expect(existingHomeDisks(config, { vms: [alice], disks: [home, there] })).toEqual({
      "dev-alice": "projects/acme-dev/zones/europe-west1-c/disks/dev-alice-home",
    });
  });

  it("is taken over only where it is the fleet's and the stack's own", () => {
    const config = configured({ homeDisk: {} });
    for (const disk of [
      { ...home, stack: "prod" },
      { ...home, fleet: "others" },
      { ...home, name: "dev-bob-home" },
    ])
      expect(existingHomeDisks(config, { vms: [], disks: [disk] })).toEqual({});
  });
});

it.each<[string, Partial<PresentVm>, string[]]>([
  ["is in its wave", {}, []],
  ["comes from another wave", { wave: "canary" }, ["dev-alice"]],
  ["is another stack's", { wave: "canary", stack: "prod" }, []],
  ["is another VM", { wave: "canary", name: "dev-bob" }, []],
])("a VM that %s: whether it moves", (_, present, moving) =>
  expect(movingVms(configured(), [{ ...alice, ...present }])).toEqual(moving),
);

it("names nobody for replacement who is not there", () =>
  expect(() => configured({}, { replace: ["dev-zoe"] })).toThrow('replace: "dev-zoe" is no VM of this fleet'));

it("says which VM need not be in replace any more", () =>
  expect(checkChanges(configured({}, replace), { vms: [alice], disks: [] }).warnings).toEqual([
    "replace: dev-alice has no change of zone or boot disk size; remove it from the list",
  ]));
