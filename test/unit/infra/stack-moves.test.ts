/** VMs that change waves or stacks. */
import { describe, expect, it } from "vitest";
import type { PresentVm } from "../../../rules/contract";
import { checkChanges, existingHomeDisks } from "../../../infra/preflight/replacement";
import { arrivals, movingVms } from "../../../infra/preflight/stack-moves";
import { alice, configured, home } from "./present";

it.each<[string, Partial<PresentVm>, string[]]>([
  ["is in its wave", {}, []],
  ["comes from another wave", { wave: "canary" }, ["dev-alice"]],
  ["is another stack's", { wave: "canary", stack: "prod" }, []],
  ["is another VM", { wave: "canary", name: "dev-bob" }, []],
])("a VM that %s: whether it moves", (_, present, moving) =>
  expect(movingVms(configured(), [{ ...alice, ...present }])).toEqual(moving),
);

describe("a VM of another stack with which this one shares the list", () => {
  const network = "https://compute/v1/projects/acme-dev/global/networks/a";
  const subnetwork = "https://compute/v1/projects/acme-dev/regions/europe-west1/subnetworks/a";
  const account = "a@acme-dev.iam.gserviceaccount.com";
  const stacks = {
    stacks: [
      { name: "dev", vms: ["dev-alice"] },
      { name: "prod", rest: true },
    ],
  };
  const vms = { vms: [{ name: "dev-alice" }, { name: "dev-bob" }] };
  const coming = { ...alice, stack: "prod", network, subnetwork, account };
  const kept = { existingNetwork: { network, subnetwork }, serviceAccount: account };

  it("comes with its network, its account and its home disk", () => {
    const inventory = { vms: [coming], disks: [{ ...home, stack: "prod" }] };
    const taking = configured({}, { ...vms, ...stacks, ...kept, defaults: { homeDisk: {} } });
    expect(checkChanges(taking, inventory)).toEqual({ mistakes: [], warnings: [] });
    expect(arrivals(taking, inventory.vms)).toEqual({ "dev-alice": "prod" });
    expect(movingVms(taking, inventory.vms)).toEqual(["dev-alice"]);
    expect(Object.keys(existingHomeDisks(taking, inventory))).toEqual(["dev-alice"]);
    // Whichever host a link is of.
    const path = { network: network.slice(19), subnetwork: subnetwork.slice(19) };
    const byPath = configured({}, { ...vms, ...stacks, ...kept, existingNetwork: path, defaults: { homeDisk: {} } });
    expect(checkChanges(byPath, inventory).mistakes).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    [
      "in a network of this stack's own, with an account of its own",
      {},
      [
        `stacks: dev-alice comes from stack prod and keeps its network: set nixos-fleet:existingNetwork to { network: ${network}, subnetwork: ${subnetwork} }`,
        `stacks: dev-alice comes from stack prod and keeps its account: set nixos-fleet:serviceAccount to ${account}`,
      ],
    ],
    [
      "with another account",
      { ...kept, serviceAccount: `b${account}` },
      [`stacks: dev-alice comes from stack prod and keeps its account: set nixos-fleet:serviceAccount to ${account}`],
    ],
  ])("is refused %s", (_, more, lines) =>
    expect(checkChanges(configured({}, { ...vms, ...stacks, ...more }), { vms: [coming], disks: [] }).mistakes).toEqual(
      lines,
    ),
  );

  it("is left to arguments that name both", () => {
    const given = { network: true, account: true };
    expect(checkChanges(configured({}, { ...vms, ...stacks }), { vms: [coming], disks: [] }, given).mistakes).toEqual(
      [],
    );
  });

  it("is not lost by its former stack, which waits until the other one has it", () => {
    const leaving = { ...alice, name: "dev-bob" };
    const line = "stacks: dev-bob belongs to stack prod: run fleet move --to prod and pulumi up --stack prod first";
    expect(checkChanges(configured({}, { ...vms, ...stacks }), { vms: [leaving], disks: [] }).mistakes).toEqual([line]);
    const gone = { ...leaving, stack: "prod" };
    expect(checkChanges(configured({}, { ...vms, ...stacks }), { vms: [gone], disks: [] }).mistakes).toEqual([]);
  });

  it("is another's, where the stack is not among those that share", () => {
    const other = checkChanges(configured({}, { ...vms, ...stacks }), { vms: [{ ...coming, stack: "x" }], disks: [] });
    expect(other.mistakes).toEqual([expect.stringContaining("of fleet devs, stack x; choose another name")]);
  });
});
