/** Whether the fleet's own subnet has room for the VMs. */
import { describe, expect, it } from "vitest";
import type { PresentVm } from "../../../rules/contract";
import { checkChanges } from "../../../infra/preflight/replacement";
import { alice, configured } from "./present";

describe("the fleet's own subnet", () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `dev-${i}` }));
  const found = (count: number, more: Record<string, unknown>, present: PresentVm[] = []) =>
    checkChanges(configured({}, { vms: many(count), ...more }), { vms: present, disks: [] }).mistakes;
  const narrow = { network: { cidr: "10.128.0.0/28" } };
  const short = (count: number, prefix: number) =>
    `network.cidr: 10.128.0.0/28 has 12 addresses for ${count} VMs; widen it to a /${prefix} or more`;

  it("has four addresses that no VM gets", () => {
    expect(found(12, narrow)).toEqual([]);
    expect(found(13, narrow)).toEqual([short(13, 27)]);
    expect(found(29, narrow)).toEqual([short(29, 26)]);
  });

  it("also has VMs of other stacks", () => {
    const subnetwork = "https://x/projects/p/regions/europe-west1/subnetworks/devs";
    const own = { ...alice, name: "dev-0", cidr: "10.128.0.0/28", subnetwork };
    const other = { ...own, name: "other", stack: "prod" };
    expect(found(12, narrow, [own])).toEqual([]);
    expect(found(12, narrow, [own, other])).toEqual([short(13, 27)]);
    expect(found(12, narrow, [own, { ...other, subnetwork: `${subnetwork}-2` }])).toEqual([]);
  });

  it("is not there where the network is another's", () => {
    const existingNetwork = {
      network: "https://www.googleapis.com/compute/v1/projects/p/global/networks/n",
      subnetwork: "https://www.googleapis.com/compute/v1/projects/p/regions/europe-west1/subnetworks/s",
    };
    expect(found(13, { ...narrow, existingNetwork })).toEqual([]);
  });
});
