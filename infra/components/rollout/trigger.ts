/** Starting a VM's update by SSH: for the VMs that Compute reports RUNNING now and that the operator can reach. */
import * as pulumi from "@pulumi/pulumi";
import * as compute from "@pulumi/gcp/compute";
import { contract } from "../../../rules/contract";
import type { FleetConfig, VmConfig } from "../../config/fleet-config";

/** The address where a VM answers SSH and the host key that it must show, or why it gets no trigger. */
export type Reachable = { host: string; port: number; hostKey: string } | { skipped: string };

/** The host key that a VM published, as `ssh-ed25519 AAAA…`; ed25519 if there are several. Pure. */
function publishedHostKey(values: readonly { key: string; value: string }[]): string | undefined {
  const chosen = values.find(({ key }) => key === "ssh-ed25519") ?? values[0];
  return chosen && `${chosen.key} ${chosen.value}`;
}

/** Where each VM answers SSH, by name; makes no request if the fleet does not use SSH triggers. */
export async function reachAll(config: FleetConfig, opts: pulumi.InvokeOptions): Promise<Record<string, Reachable>> {
  const vms = config.trigger === "ssh" ? config.vms : [];
  return Object.fromEntries(
    await Promise.all(vms.map(async (vm) => [vm.name, await reach(config, vm, opts)] as const)),
  );
}

/** Asks Compute whether and where a VM can be triggered now. A VM that does not exist yet is skipped; that is not an error. */
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
