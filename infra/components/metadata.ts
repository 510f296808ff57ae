/** The metadata and labels of a VM. Pure. */
import { contract } from "../../rules/contract";
import type { FleetConfig, VmConfig } from "../config/fleet-config";
import { cacheOf } from "../config/cache";
import { turnsOf } from "../../rules/decision/turn";
import type { InstanceMetadata } from "../../rules/instance-metadata";

/** A VM's metadata. Compute changes all of them in place. */
export function vmMetadata(fleet: FleetConfig, vm: VmConfig, loader: string): Record<string, string> {
  const secretOf = (repository: string | undefined) => {
    const key = fleet.deployKeys.find((known) => known.repository === repository && known.of !== "input");
    return key && { deployKeySecret: key.secret };
  };
  const inputs = fleet.deployKeys
    .filter(({ of }) => of === "input")
    .map(({ repository, secret }) => [repository, secret] as const);
  const { reboot, rebootDeadline, maxParallel, vms = [] } = fleet.waves.find(({ name }) => name === vm.wave) ?? {};
  const turns = turnsOf(vms.length, maxParallel);
  const described: InstanceMetadata = {
    contract: contract.version,
    fleet: fleet.fleet,
    stack: fleet.stack,
    host: vm.host,
    wave: vm.wave,
    repository: fleet.repository,
    branch: fleet.branch,
    ...(fleet.subdirectory === undefined ? {} : { subdirectory: fleet.subdirectory }),
    directory: fleet.directory,
    follow: fleet.follow,
    ...secretOf(fleet.repository),
    ...(inputs.length > 0 ? { deployKeys: Object.fromEntries(inputs) } : {}),
    ...(fleet.knownHosts ? { knownHosts: fleet.knownHosts.join("\n") } : {}),
    ...(fleet.signers ? { signers: fleet.signers.join("\n") } : {}),
    ...(reboot ? { reboot } : {}),
    ...(reboot && rebootDeadline !== undefined ? { rebootDeadline } : {}),
    ...(turns > 1 ? { turns } : {}),
    homes: vm.homes.map((home) => ({ ...home, ...secretOf(home.repository) })),
    ...(fleet.cache ? { cache: cacheOf(fleet.cache) } : {}),
    ...(fleet.monitoring ? { monitoring: true } : {}),
  };
  return {
    // Set as metadata and not as `metadataStartupScript`, because a change of that would replace the VM.
    "startup-script": loader,
    "enable-oslogin": "TRUE",
    "enable-guest-attributes": "TRUE",
    "block-project-ssh-keys": "TRUE",
    // The VM does not ask for OS Login, and the project may have it enabled.
    "serial-port-enable": "FALSE",
    [contract.instanceMetadata.key]: JSON.stringify(described),
  };
}

/** The labels that name a resource's owner. */
export function fleetLabels({ fleet, stack }: Pick<FleetConfig, "fleet" | "stack">): Record<string, string> {
  return { [contract.labels.fleet]: fleet, [contract.labels.stack]: stack };
}

/** A VM's labels. The fleet's own, by which the operator's tool finds the VM, override the configured ones. */
export function vmLabels(fleet: FleetConfig, vm: VmConfig): Record<string, string> {
  const { labels } = contract;
  return {
    ...vm.labels,
    ...fleetLabels(fleet),
    [labels.wave]: vm.wave,
    ...(vm.owner === undefined ? {} : { [labels.owner]: labelValue(vm.owner) }),
  };
}

/** A person's name or address as a label's value, which cannot contain `@`, `.` or capitals. */
function labelValue(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^-_a-z0-9]/g, "_")
    .slice(0, 63);
}
