/** How a VM is reached by ssh: which way, and the host key that it must show. */
import { UsageError } from "./errors";
import { oneLine } from "./text";

/** The way to a VM. */
export interface Way {
  user: string;
  /** Address or tunnel's end; the VM's internal address by default. */
  host: string;
  port: number;
  /** `USER@HOST:PORT`, as ssh's -J takes it. */
  bastion?: string | undefined;
  /** Through Google's Identity-Aware Proxy, which needs gcloud. */
  iap?: { project: string; zone: string } | undefined;
  /** A private key's file; what ssh finds by itself otherwise. */
  identity?: string | undefined;
}

/** ssh's arguments for a command on a VM whose host keys are in the file `knownHosts`, under the VM's name. */
export function sshArguments(vm: string, way: Way, knownHosts: string, command: string): string[] {
  const settings = [
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=15",
    "StrictHostKeyChecking=yes",
    `UserKnownHostsFile="${knownHosts}"`,
    "GlobalKnownHostsFile=none",
    // The key is the VM's, whatever address or tunnel leads to it.
    `HostKeyAlias=${vm}`,
    "CheckHostIP=no",
    ...(way.identity === undefined ? [] : ["IdentitiesOnly=yes"]),
    ...(way.iap === undefined ? [] : [`ProxyCommand=${iapTunnel(vm, way.port, way.iap)}`]),
  ];
  return [
    ...settings.flatMap((setting) => ["-o", setting]),
    ...(way.identity === undefined ? [] : ["-i", way.identity]),
    ...(way.bastion === undefined ? [] : ["-J", way.bastion]),
    ...["-p", String(way.port), "-l", way.user, "--", way.host, command],
  ];
}

function iapTunnel(vm: string, port: number, { project, zone }: { project: string; zone: string }): string {
  return `gcloud compute start-iap-tunnel ${vm} ${port} --listen-on-stdin --project=${project} --zone=${zone} --verbosity=error`;
}

/** The lines of a known_hosts file, from what the VM's guest agent published (key type → key). Other text is left out. */
export function knownHostsLines(vm: string, published: Readonly<Record<string, string>>): string[] {
  return Object.entries(published)
    .filter(([type, key]) => /^[a-z0-9@.-]+$/.test(type) && /^[A-Za-z0-9+/=]+$/.test(key))
    .map(([type, key]) => `${vm} ${type} ${key}`);
}

/** Reads `VM=HOST:PORT` pairs. */
export function parseAddresses(written: readonly string[]): Map<string, { host: string; port: number }> {
  return new Map(
    written.map((text) => {
      const [, vm, host, port] = /^([a-z0-9-]+)=([\w.-]+):(\d{1,5})$/.exec(text) ?? [];
      if (vm === undefined || host === undefined || host.startsWith("-")) {
        throw new UsageError(`--address is ${oneLine(text, 80)}; it must be VM=HOST:PORT`);
      }
      return [vm, { host, port: Number(port) }];
    }),
  );
}
