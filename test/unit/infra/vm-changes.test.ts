/** What of an update stops a VM, loses its homes or its disks, and is said or refused before. */
import { describe, expect, it } from "vitest";
import type { PresentVm } from "../../../rules/contract";
import { keptDisks } from "../../../infra/preflight/attached-disks";
import { checkChanges, replacedVms } from "../../../infra/preflight/replacement";
import { alice, configured, home } from "./present";

const replace = { replace: ["dev-alice"] };

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
    ...[{}, { allowStopping: true }].map((may): [string, Record<string, unknown>, PresentVm[], string[], string[]] => [
      "its network, while it is suspended",
      { existingNetwork, ...both, ...may },
      [
        { ...placed, suspended: true },
        { ...bob, running: false },
      ],
      [
        "existingNetwork: b requires stopping dev-alice, which is suspended and would lose what was open; resume it first: gcloud compute instances resume dev-alice --zone=europe-west1-b",
      ],
      "allowStopping" in may ? ["allowStopping: this update stops and starts dev-alice"] : [],
    ]),
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

it("says that a VM has no boot disk, keeps nothing from the others, and lets the VM be replaced", () => {
  const { bootDiskGb: _, ...rest } = alice;
  const inventory = { vms: [rest], disks: [] };
  expect(checkChanges(configured({}, {}), inventory)).toEqual({
    mistakes: [],
    warnings: [
      "dev-alice has no boot disk; attach it again: gcloud compute instances attach-disk dev-alice --boot --disk=DISK --zone=europe-west1-b; if it is lost, name the VM in nixos-fleet:replace",
    ],
  });
  expect(checkChanges(configured({}, replace), inventory)).toEqual({ mistakes: [], warnings: [] });
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
