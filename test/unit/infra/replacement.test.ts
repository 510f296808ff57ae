/** What an update would do to the VMs and disks that are there. */
import { describe, expect, it } from "vitest";
import type { PresentDisk, PresentVm } from "../../../rules/contract";
import { keptDisks } from "../../../infra/preflight/attached-disks";
import { checkChanges, existingHomeDisks, replacedVms } from "../../../infra/preflight/replacement";
import { alice, configured, home } from "./present";

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
      "with another type of boot disk that is named and protected",
      { diskType: "pd-ssd" },
      replace,
      { deletionProtection: true, bootDiskType: "pd-balanced" },
      ["vms[0].deletionProtection: must be false, and applied, before dev-alice can be replaced"],
    ],
    [
      "of another machine type, left in replace",
      { machineType: "n2-standard-8" },
      replace,
      {},
      [
        "vms[0].machineType: n2-standard-8 requires restarting dev-alice, which runs as e2-standard-4; to allow that, set nixos-fleet:allowStopping to true",
      ],
    ],
    [
      "of another machine type",
      { machineType: "n2-standard-4" },
      {},
      {},
      [
        "vms[0].machineType: n2-standard-4 requires restarting dev-alice, which runs as e2-standard-4; to allow that, set nixos-fleet:allowStopping to true",
      ],
    ],
    ["of another machine type that may be stopped", { machineType: "n2-standard-4" }, { allowStopping: true }, {}, []],
    ...["n4-standard-4", "c3-standard-4", "t2a-standard-4"].flatMap((machineType) =>
      [{}, { running: false }].map((present): [string, object, Record<string, unknown>, object, string[]] => [
        `of the other series ${machineType}`,
        { machineType },
        { allowStopping: true },
        present,
        [
          `vms[0].machineType: ${machineType} would replace dev-alice, which is of another series, e2-standard-4; to allow that, name it in nixos-fleet:replace`,
        ],
      ]),
    ),
    ["of another series that is named", { machineType: "c3-standard-4" }, replace, {}, []],
    [
      "that gets another size of its series",
      { machineType: "n4-standard-8" },
      { allowStopping: true },
      { machineType: "n4-standard-4" },
      [],
    ],
    ["of another machine type that is stopped", { machineType: "n2-standard-4" }, {}, { running: false }, []],
    ["in a wider subnet", {}, { network: { cidr: "10.128.0.0/16" } }, {}, []],
    ...["10.128.0.0/21", "10.129.0.0/20", "10.0.0.0/9"].map(
      (cidr): [string, object, Record<string, unknown>, Partial<PresentVm>, string[]] => [
        `in the subnet ${cidr}`,
        {},
        { network: { cidr } },
        {},
        [
          `network.cidr: ${cidr} does not hold 10.128.0.0/20, the subnet of dev-alice; a subnet can be widened, not moved`,
        ],
      ],
    ),
    [
      "whose name another fleet has",
      {},
      {},
      { fleet: "others" },
      [
        "vms[0].name: dev-alice is there already in europe-west1-b, of fleet others, stack dev; choose another name, or, if this fleet was called others before, run pulumi config set nixos-fleet:fleet others",
      ],
    ],
    [
      "whose name another stack has",
      {},
      {},
      { stack: "prod" },
      [
        "vms[0].name: dev-alice is there already in europe-west1-b, of fleet devs, stack prod; choose another name, or, if this stack was called prod before, run pulumi stack rename prod",
      ],
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

const subnet = (name: string) =>
  `https://www.googleapis.com/compute/v1/projects/acme-dev/regions/europe-west1/subnetworks/${name}`;
const account = "fleet-devs-dev@acme-dev.iam.gserviceaccount.com";
const placed = { ...alice, subnetwork: subnet("a"), account };
const existingNetwork = {
  network: "projects/acme-dev/global/networks/shared",
  subnetwork: "projects/acme-dev/regions/europe-west1/subnetworks/b",
};

describe("a change that Compute makes only while the VM is stopped", () => {
  const bob = { ...placed, name: "dev-bob" };
  const both = { vms: [{ name: "dev-alice" }, { name: "dev-bob" }] };
  it.each<[string, Record<string, unknown>, PresentVm[], string[], string[]]>([
    ["neither", {}, [placed], [], []],
    [
      "its network",
      { existingNetwork, ...both },
      [placed, bob],
      [
        "existingNetwork: b requires stopping dev-alice, dev-bob, which run in another subnet; to allow that, set nixos-fleet:allowStopping to true",
      ],
      [],
    ],
    ["its network, where it is there already", { existingNetwork }, [{ ...placed, subnetwork: subnet("b") }], [], []],
    ["its network, while it is off", { existingNetwork }, [{ ...placed, running: false }], [], []],
    ["its network, as a new VM", { existingNetwork, ...replace }, [{ ...placed, bootDiskGb: 50 }], [], []],
    [
      "its account",
      { serviceAccount: "vms@acme-dev.iam.gserviceaccount.com" },
      [placed],
      [
        "serviceAccount: vms@acme-dev.iam.gserviceaccount.com requires stopping dev-alice, which runs as another account; to allow that, set nixos-fleet:allowStopping to true",
      ],
      [],
    ],
    [
      "its account, back to the fleet's own",
      {},
      [{ ...placed, account: "vms@acme-dev.iam.gserviceaccount.com" }],
      [
        `serviceAccount: ${account} requires stopping dev-alice, which runs as another account; to allow that, set nixos-fleet:allowStopping to true`,
      ],
      [],
    ],
    [
      "any of them, where that is allowed",
      { existingNetwork, ...both, allowStopping: true },
      [{ ...placed, machineType: "e2-small" }, bob],
      [],
      ["allowStopping: this update stops and starts dev-alice, dev-bob"],
    ],
  ])("%s", (_, more, vms, mistakes, warnings) => {
    const found = checkChanges(configured({}, more), { vms, disks: [] });
    expect({ mistakes: found.mistakes, warnings: found.warnings.filter((line) => line.startsWith("allow")) }).toEqual({
      mistakes,
      warnings,
    });
  });

  it("is not looked for where the program's own arguments set it", () =>
    expect(
      checkChanges(
        configured({}, { existingNetwork, serviceAccount: "vms@acme-dev.iam.gserviceaccount.com" }),
        { vms: [placed], disks: [] },
        { network: true, account: true },
      ).mistakes,
    ).toEqual([]));
});

it("says what a replacement takes with it: homes too, where they are on the boot disk", () => {
  const config = configured({ zone: "europe-west1-c" }, replace);
  const warnings = [
    "replace: dev-alice is deleted and created again, and everything on its boot disk is lost, homes too; to keep a copy, run this first: gcloud compute disks snapshot dev-alice --zone=europe-west1-b",
  ];
  expect(checkChanges(config, { vms: [alice], disks: [] })).toEqual({ mistakes: [], warnings });
  const apart = { ...alice, disks: [{ name: "dev-alice-home", device: "home" }] };
  expect(checkChanges(config, { vms: [apart], disks: [home] }).warnings).toEqual([]);
  expect(checkChanges(configured({}, replace), { vms: [alice], disks: [] }).warnings).toEqual([
    "replace: dev-alice has no change that replaces it; remove it from the list",
  ]);
  expect(checkChanges(config, { vms: [{ ...alice, deletionProtection: true }], disks: [] }).warnings).toEqual([]);
});

it.each([{}, replace])("a VM without a boot disk is a mistake of its own (%j)", (more) => {
  const { bootDiskGb: _, ...rest } = alice;
  expect(checkChanges(configured({}, more), { vms: [rest], disks: [] })).toEqual({
    mistakes: [
      "vms[0]: dev-alice has no boot disk; attach it again: gcloud compute instances attach-disk dev-alice --boot --disk=DISK --zone=europe-west1-b",
    ],
    warnings: [],
  });
});

describe("a disk that someone attached by hand", () => {
  const data = { name: "data", device: "data" };
  const own = { name: "dev-alice-home", device: "home" };
  const stays =
    "dev-alice has the disk data, which is not of this program; it stays attached, and Pulumi changes none of the VM's attached disks";
  const refused =
    "vms[0].homeDisk: with this change Pulumi would also detach data from dev-alice; detach it before, and attach it again afterwards: gcloud compute instances detach-disk dev-alice --disk=data --zone=europe-west1-b";
  it.each<[string, object, Partial<PresentVm>, Record<string, unknown>, string[], string[], string[]]>([
    ["nowhere", {}, { disks: [] }, {}, [], [], []],
    ["beside no home disk", {}, { disks: [data] }, {}, [], [stays], ["dev-alice"]],
    ["beside the home disk", { homeDisk: {} }, { disks: [own, data] }, {}, [], [stays], ["dev-alice"]],
    ["where the home disk is to come", { homeDisk: {} }, { disks: [data] }, {}, [refused], [], []],
    ["where the home disk is to go", {}, { disks: [own, data], running: false }, {}, [refused], [], []],
    ["on a VM that is replaced", { zone: "europe-west1-c" }, { disks: [data] }, replace, [], [], []],
  ])("%s", (_, vm, present, more, mistakes, warnings, kept) => {
    const inventory = { vms: [{ ...alice, ...present }], disks: [] };
    const config = configured(vm, more);
    const found = checkChanges(config, inventory);
    expect([
      found.mistakes,
      found.warnings.filter((line) => line.includes("data")),
      keptDisks(config, inventory, replacedVms(config, inventory)),
    ]).toEqual([mistakes, warnings, kept]);
  });
});

describe("a home disk", () => {
  it.each<[string, Partial<PresentVm>, string[], Record<string, unknown>, string[]]>([
    [
      "on which people work",
      {},
      ["dev-alice"],
      {},
      [
        "vms[0].homeDisk: without it dev-alice-home would be detached while dev-alice runs and people use it; keep it, or stop the VM first: gcloud compute instances stop dev-alice --zone=europe-west1-b",
      ],
    ],
    ["of a VM that is stopped", { running: false }, ["dev-alice"], {}, []],
    ["that was detached before", {}, [], {}, []],
    ["of a VM that is to be replaced", { zone: "europe-west1-c" }, ["dev-alice"], replace, []],
  ])("%s, which the settings no longer have", (_, present, attachedTo, more, mistakes) => {
    const inventory = { vms: [{ ...alice, ...present }], disks: [{ ...home, attachedTo }] };
    expect(checkChanges(configured({}, more), inventory).mistakes).toEqual(mistakes);
  });

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
      { stack: "prod", attachedTo: [] },
      [
        "vms[0].homeDisk: dev-alice-home is there already in europe-west1-b, of fleet devs, stack prod; choose another name, or, if this stack was called prod before, run pulumi stack rename prod, or, if it came with its VM from stack prod, gcloud compute disks add-labels dev-alice-home --zone=europe-west1-b --labels=nixos-fleet-stack=dev",
      ],
    ],
    ["that came with its VM from a stack that is gone", { sizeGb: 100 }, { stack: "prod" }, []],
    [
      "that came with its VM, and shrinks",
      { sizeGb: 50 },
      { stack: "prod" },
      ["vms[0].homeDisk.sizeGb: 50 is less than the 100 GB that dev-alice-home has; a disk never shrinks"],
    ],
    [
      "of another fleet, on a VM of ours",
      {},
      { fleet: "others" },
      [
        "vms[0].homeDisk: dev-alice-home is there already in europe-west1-b, of fleet others, stack dev; choose another name, or, if this fleet was called others before, run pulumi config set nixos-fleet:fleet others",
      ],
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
    const present = { ...alice, disks: [{ name: "dev-alice-home", device: "home" }] };
    expect(checkChanges(config, { vms: [present], disks: [home] }).warnings).toEqual([
      "dev-alice-home stays in europe-west1-b, and dev-alice gets an empty disk; to keep the home, create dev-alice-home in europe-west1-c from a snapshot first",
    ]);
    expect(checkChanges(config, { vms: [present], disks: [home, there] }).warnings).toEqual([]);
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
    const moved = { ...home, stack: "prod" };
    expect(Object.keys(existingHomeDisks(config, { vms: [alice], disks: [moved] }))).toEqual(["dev-alice"]);
    for (const vm of [
      { ...alice, stack: "prod" },
      { ...alice, zone: "europe-west1-c" },
      { ...alice, name: "dev-bob" },
    ])
      expect(existingHomeDisks(config, { vms: [vm], disks: [moved] })).toEqual({});
  });
});

it("keeps the stack's region, whatever is in replace", () => {
  const bob = { ...alice, name: "dev-bob" };
  const moved = { ...configured({}, replace), region: "europe-west4" };
  expect(checkChanges(moved, { vms: [alice, bob], disks: [home] })).toEqual({
    mistakes: [
      "gcp:region: is europe-west4, and dev-alice, dev-bob are in europe-west1-b; a stack keeps its region, make a new stack (docs/scale.md)",
    ],
    warnings: [],
  });
  const eve = { ...alice, stack: "prod", name: "dev-eve" };
  expect(checkChanges(moved, { vms: [eve], disks: [] }).mistakes).toEqual([]);
});

it("names nobody for replacement who is not there", () =>
  expect(() => configured({}, { replace: ["dev-zoe"] })).toThrow('replace: "dev-zoe" is not a VM of this fleet'));

it("says which VM need not be in replace any more", () =>
  expect(checkChanges(configured({}, replace), { vms: [alice], disks: [] }).warnings).toEqual([
    "replace: dev-alice has no change that replaces it; remove it from the list",
  ]));

it.each<[string, object, Record<string, unknown>, PresentVm[], string[]]>([
  ["has another zone", { zone: "europe-west1-c" }, replace, [alice], ["dev-alice"]],
  ["has another size of boot disk", { diskSizeGb: 50 }, replace, [alice], ["dev-alice"]],
  ["has another type of boot disk", { diskType: "pd-ssd" }, replace, [{ ...alice, bootDiskType: "x" }], ["dev-alice"]],
  ["has another series", { machineType: "c3-standard-4" }, replace, [alice], ["dev-alice"]],
  ["has another machine type", { machineType: "n2-standard-4" }, replace, [alice], []],
  ["is deleted already", {}, replace, [], ["dev-alice"]],
  ["is as it is", {}, replace, [{ ...alice, bootDiskType: "pd-balanced" }], []],
  ["is not named", { zone: "europe-west1-c", diskSizeGb: 50 }, {}, [alice], []],
])("a VM that %s: whether it is replaced", (_, vm, more, vms, names) =>
  expect(replacedVms(configured(vm, more), { vms, disks: [] })).toEqual(names),
);
