/** What is read of Compute's answers about VMs and disks. Pure. */
import type { compute_v1 } from "@googleapis/compute/build/v1";
import { contract, type PresentVm } from "../../rules/contract";
import { lastPart } from "../../rules/resource-link";

export function ownerOf({ name, zone, labels }: compute_v1.Schema$Instance | compute_v1.Schema$Disk) {
  const { fleet, stack } = contract.labels;
  return { name: name ?? "", zone: lastPart(zone), fleet: labels?.[fleet] ?? "", stack: labels?.[stack] ?? "" };
}

export function stateOf({ status }: compute_v1.Schema$Instance): Pick<PresentVm, "running" | "up" | "suspended"> {
  const suspended = status === "SUSPENDED" || status === "SUSPENDING";
  return { running: status !== "TERMINATED", up: status === "RUNNING", ...(suspended ? { suspended } : {}) };
}

export function accountOf({ serviceAccounts }: compute_v1.Schema$Instance): Pick<PresentVm, "account"> {
  const account = serviceAccounts?.[0]?.email ?? undefined;
  return account === undefined ? {} : { account };
}

export function bootDiskOf({ disks }: compute_v1.Schema$Instance): compute_v1.Schema$AttachedDisk | undefined {
  return disks?.find(({ boot }) => boot);
}

export function bootDiskGbOf(instance: compute_v1.Schema$Instance): Pick<PresentVm, "bootDiskGb"> {
  const boot = bootDiskOf(instance);
  return boot === undefined ? {} : { bootDiskGb: Number(boot.diskSizeGb) };
}

/** A local SSD has no disk that it comes from. */
export function otherDisksOf({ disks = [] }: compute_v1.Schema$Instance): NonNullable<PresentVm["disks"]> {
  return disks.flatMap(({ boot, source, deviceName }) =>
    boot || (source ?? "") === "" ? [] : [{ name: lastPart(source), device: deviceName ?? "" }],
  );
}

export function addressOf({ networkInterfaces }: compute_v1.Schema$Instance): Pick<PresentVm, "address"> {
  const address = networkInterfaces?.[0]?.networkIP ?? undefined;
  return address === undefined ? {} : { address };
}

export function subnetworkOf({ networkInterfaces }: compute_v1.Schema$Instance): string {
  return networkInterfaces?.[0]?.subnetwork ?? "";
}
