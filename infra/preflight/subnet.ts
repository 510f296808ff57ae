/** Whether the fleet's own subnet can become what the settings say, and has room for the VMs. Pure. */
import { BlockList } from "node:net";
import type { PresentVm } from "../../rules/contract";
import { firstOf } from "../../rules/text/text";
import type { FleetConfig } from "../config/fleet-config";
import { own } from "./stack-moves";

/** The first two and the last two addresses of a range are Google's. */
const GOOGLES_ADDRESSES = 4;

type Fleet = Pick<FleetConfig, "fleet" | "stack" | "network" | "vms">;

export function checkNetwork(config: Fleet, present: readonly PresentVm[]): string[] {
  const moved = checkRange(config, present);
  return moved.length > 0 ? moved : checkRoom(config, present);
}

/** Compute can only widen a subnet's range. */
function checkRange(config: Fleet, present: readonly PresentVm[]): string[] {
  const { cidr } = config.network;
  const outside = present.filter((vm) => own(config, vm) && !covers(cidr, vm.cidr));
  if (outside.length === 0) return [];
  const ranges = [...new Set(outside.map((vm) => vm.cidr))].join(" and ");
  const names = outside.map(({ name }) => name);
  return [
    `network.cidr: ${cidr} does not hold ${ranges}, the subnet of ${firstOf(names)}; a subnet can be widened, not moved`,
  ];
}

/** Each VM takes an address, also the VMs of other stacks that use this subnet. */
function checkRoom(config: Fleet, present: readonly PresentVm[]): string[] {
  const { cidr } = config.network;
  const subnets = new Set(present.filter((vm) => own(config, vm)).flatMap(({ subnetwork }) => subnetwork ?? []));
  const others = present.filter(
    (vm) =>
      !own(config, vm) &&
      subnets.has(vm.subnetwork ?? "") &&
      !config.vms.some(({ name, zone }) => name === vm.name && zone === vm.zone),
  );
  const needed = config.vms.length + others.length;
  const roomOf = (bits: number) => 2 ** (32 - bits) - GOOGLES_ADDRESSES;
  const bits = Number(cidr.split("/")[1]);
  if (needed <= roomOf(bits)) return [];
  const wider = 32 - Math.ceil(Math.log2(needed + GOOGLES_ADDRESSES));
  return [
    `network.cidr: ${cidr} has ${Math.max(0, roomOf(bits))} addresses for ${needed} VMs; widen it to a /${wider} or more`,
  ];
}

/** Whether an IPv4 range contains all of another. */
function covers(outer: string, inner: string): boolean {
  const [outerAddress = "", outerBits] = outer.split("/");
  const [innerAddress = "", innerBits] = inner.split("/");
  const range = new BlockList();
  range.addSubnet(outerAddress, Number(outerBits));
  return Number(innerBits) >= Number(outerBits) && range.check(innerAddress);
}
