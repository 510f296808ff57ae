/** Starting a VM's update by SSH: for the VMs that Compute reports RUNNING now and that the operator can reach. */
import * as pulumi from "@pulumi/pulumi";
import * as compute from "@pulumi/gcp/compute";
import { contract } from "../../../rules/contract";
import type { FleetConfig, VmConfig } from "../../config/fleet-config";

/** Where a VM answers SSH and which host key it must show, or why no trigger goes to it. */
export type Reachable = { host: string; port: number; hostKey: string } | { skipped: string };

/** The host key that a VM's guest agent published, as `ssh-ed25519 AAAA…`; ed25519 where there are several. Pure. */
function publishedHostKey(values: readonly { key: string; value: string }[]): string | undefined {
  const chosen = values.find(({ key }) => key === "ssh-ed25519") ?? values[0];
  return chosen && `${chosen.key} ${chosen.value}`;
}

/** Where each VM answers, by name; nothing is asked where the fleet is not triggered by SSH. */
export async function reachAll(config: FleetConfig, opts: pulumi.InvokeOptions): Promise<Record<string, Reachable>> {
  const vms = config.trigger === "ssh" ? config.vms : [];
  return Object.fromEntries(
    await Promise.all(vms.map(async (vm) => [vm.name, await reach(config, vm, opts)] as const)),
  );
}

/** Asks Compute whether and where a VM can be triggered now. A VM that is not there yet is skipped, not an error. */
async function reach(config: FleetConfig, vm: VmConfig, opts: pulumi.InvokeOptions): Promise<Reachable> {
  const where = { name: vm.name, zone: vm.zone, project: config.project };
  try {
    const instance = await compute.getInstance(where, opts);
    if (instance.currentStatus !== "RUNNING") return { skipped: `is ${instance.currentStatus}` };
    const queryPath = `${contract.guestAttributes.hostKeysNamespace}/`;
    const published = await compute.getInstanceGuestAttributes({ ...where, queryPath }, opts);
    const hostKey = publishedHostKey(published.queryValues);
    if (hostKey === undefined) return { skipped: "has published no SSH host key yet" };
    const [host, port] = (config.ssh.addresses[vm.name] ?? "").split(":");
    return host && port
      ? { host, port: Number(port), hostKey }
      : { host: instance.networkInterfaces[0]?.networkIp ?? "", port: config.ssh.port, hostKey };
  } catch (error) {
    return { skipped: `cannot be looked up: ${error instanceof Error ? error.message : String(error)}` };
  }
}
