/** What an update would do to the VMs and disks that are there. */
import { describe, expect, it } from "vitest";
import type { PresentDisk, PresentVm } from "../../../rules/contract";
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
        "vms[0].machineType: n2-standard-8 requires restarting dev-alice, which runs as e2-standard-4; to allow that, set nixos-fleet:allowStopping to true; to keep it, write e2-standard-4 here",
      ],
    ],
    [
      "of another machine type",
      { machineType: "n2-standard-4" },
      {},
      {},
      [
        "vms[0].machineType: n2-standard-4 requires restarting dev-alice, which runs as e2-standard-4; to allow that, set nixos-fleet:allowStopping to true; to keep it, write e2-standard-4 here",
      ],
    ],
    ...[{}, { allowStopping: true }].map((may): [string, object, Record<string, unknown>, object, string[]] => [
      "of another machine type that is suspended",
      { machineType: "n2-standard-4" },
      may,
      { suspended: true },
      [
        "vms[0].machineType: n2-standard-4 requires stopping dev-alice, which is suspended and would lose what was open; resume it first: gcloud compute instances resume dev-alice --zone=europe-west1-b",
      ],
    ]),
    ["of another machine type that may be stopped", { machineType: "n2-standard-4" }, { allowStopping: true }, {}, []],
    ...["n4-standard-4", "c3-standard-4", "t2a-standard-4"].flatMap((machineType) =>
      [{}, { running: false }].map((present): [string, object, Record<string, unknown>, object, string[]] => [
        `of the other series ${machineType}`,
        { machineType },
        { allowStopping: true },
        present,
        [
          `vms[0].machineType: ${machineType} would replace dev-alice, which is of another series, e2-standard-4; to allow that, name it in nixos-fleet:replace; to keep it, write e2-standard-4 here`,
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

it("says what a changed default does to many VMs in one line, at the first of them", () => {
  const names = Array.from({ length: 60 }, (_, index) => `dev-${index + 1}`);
  const inventory = {
    vms: names.map((name) => ({ ...alice, name, machineType: name === "dev-60" ? "e2-small" : alice.machineType })),
    disks: names.map((name) => ({ ...home, name: `${name}-home`, attachedTo: [name] })),
  };
  const many = (defaults: object) =>
    checkChanges(configured({}, { vms: names.map((name) => ({ name })), defaults }), inventory);
  const others = "(the same: dev-2, dev-3, dev-4 and 56 more)";
  const size = { sizeGb: 100 };
  const grow = "to have it grow: gcloud compute disks resize dev-1 --zone=europe-west1-b --size=200";
  expect(many({ homeDisk: size, machineType: "n2-standard-4" }).mistakes).toEqual([
    `vms[0].machineType: n2-standard-4 requires restarting dev-1, which runs as e2-standard-4; to allow that, set nixos-fleet:allowStopping to true; to keep it, write e2-standard-4 here ${others.replace("56", "55")}`,
    "vms[59].machineType: n2-standard-4 requires restarting dev-60, which runs as e2-small; to allow that, set nixos-fleet:allowStopping to true; to keep it, write e2-small here",
  ]);
  expect(many({ homeDisk: { ...size, type: "pd-ssd" } }).mistakes[0]).toBe(
    `vms[0].homeDisk.type: pd-ssd is not what dev-1-home is, pd-balanced; a disk keeps its type ${others}`,
  );
  expect(many({}).mistakes).toContainEqual(expect.stringContaining(`--zone=europe-west1-b ${others}`));
  expect(many({ homeDisk: size, machineType: "e2-standard-4", diskSizeGb: 200 }).warnings).toEqual([
    `the boot disk of dev-1 has 100 GB, not the 200 of diskSizeGb; ${grow} ${others}`,
  ]);
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

  it("stays behind when its VM comes back in another zone, which has none", () => {
    const config = configured({ homeDisk: {}, zone: "europe-west1-c" });
    const lost =
      "dev-alice-home stays in europe-west1-b, and dev-alice gets an empty disk; to keep the home, create dev-alice-home in europe-west1-c from a snapshot first";
    expect(checkChanges(config, { vms: [], disks: [home] })).toEqual({ mistakes: [], warnings: [lost] });
    const there = { ...home, zone: "europe-west1-c" };
    expect(checkChanges(config, { vms: [], disks: [home, there] }).warnings).toEqual([]);
    expect(checkChanges(config, { vms: [], disks: [{ ...home, fleet: "others" }] }).warnings).toEqual([]);
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

it("names no one for replacement who is not there", () =>
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
