/** A machine's cable into the cloud's network: a namespace with one interface, `eth0`, whose other end is on the bridge. */
import type { MachineSpec } from "./driver";
import type { CloudNames, MachineNames } from "./names";
import { addNamespace, hasNamespace, ip, removeNamespace } from "./namespaces";
import { bridge } from "./network";

/** The address that Compute gives an interface: 42:01 and the IPv4 address. */
function macAddress(address: string): string {
  const bytes = address.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"));
  return ["42", "01", ...bytes].join(":");
}

/** Gives a machine its interface and address, and replaces earlier ones. */
export async function addLink(cloud: CloudNames, machine: MachineNames, spec: MachineSpec): Promise<void> {
  await removeLink(cloud, machine);
  await addNamespace(machine.namespace);
  await ip(cloud.namespace, [
    `link add ${machine.link} type veth peer name eth0 address ${macAddress(spec.address)} netns ${machine.namespace}`,
    `link set ${machine.link} master ${bridge} up`,
  ]);
  await ip(machine.namespace, [
    "link set eth0 up",
    `addr add ${spec.address}/${spec.prefixLength} dev eth0`,
    `route add default via ${spec.gateway}`,
  ]);
}

/** Ends all processes in a machine's namespace and removes the namespace. Does nothing if there is none. */
export async function removeLink(cloud: CloudNames, machine: MachineNames): Promise<void> {
  await removeNamespace(machine.namespace);
  if (!hasNamespace(cloud.namespace)) return;
  // The kernel removes a namespace's links some time after the namespace, but the name must be free now.
  await ip(cloud.namespace, [`link del ${machine.link}`]).catch((error: unknown) => {
    if (!/cannot find device|no such device/i.test(String(error))) throw error;
  });
  // Clients of the address get an error within seconds. Otherwise they would wait until the bridge forgets the old owner.
  await ip(cloud.namespace, [`neigh flush dev ${bridge}`]);
}
