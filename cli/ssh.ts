/** How a VM is reached by ssh: where it is, and the host key that it must show. */
import { UsageError } from "./errors";
import { oneLine } from "../rules/text/text";

/** Where and how ssh reaches a VM. */
export interface SshTarget {
  user: string;
  /** Address or tunnel's end; the VM's internal address by default. */
  host: string;
  port: number;
  bastion?: Bastion | undefined;
  /** Through Google's Identity-Aware Proxy, which needs gcloud. */
  iap?: { project: string; zone: string } | undefined;
  /** A private key's file; what ssh finds by itself otherwise. */
  identity?: string | undefined;
}

/** A host through which ssh goes. */
export interface Bastion {
  /** `USER@HOST`. */
  destination: string;
  port: number;
  /** A file with its host key; ssh's own files by default. */
  knownHosts?: string | undefined;
}

/** ssh's arguments for a command on a VM whose host keys are in the file `knownHosts`, under the VM's name. */
export function sshArguments(vm: string, target: SshTarget, knownHosts: string, command: string): string[] {
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
    ...(target.identity === undefined ? [] : ["IdentitiesOnly=yes"]),
    ...(target.iap === undefined ? [] : [`ProxyCommand=${iapTunnel(vm, target.port, target.iap)}`]),
    ...(target.bastion === undefined ? [] : [`ProxyCommand=${through(target.bastion, target.identity)}`]),
  ];
  return [
    ...settings.flatMap((setting) => ["-o", setting]),
    ...(target.identity === undefined ? [] : ["-i", target.identity]),
    ...["-p", String(target.port), "-l", target.user, "--", target.host, command],
  ];
}

/** What -J would run, but for that it would ask, and not know of the key. */
function through({ destination, port, knownHosts }: Bastion, identity: string | undefined): string {
  const settings = [
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=15",
    ...(knownHosts === undefined
      ? []
      : ["StrictHostKeyChecking=yes", `UserKnownHostsFile="${knownHosts}"`, "GlobalKnownHostsFile=none"]),
  ];
  const words = [
    ...settings.flatMap((setting) => ["-o", setting]),
    ...(identity === undefined ? [] : ["-i", identity]),
    ...["-p", String(port), "-W", "[%h]:%p", "--", destination],
  ];
  // A shell runs it, and before that ssh reads %.
  return ["ssh", ...words.map(quoted)].join(" ");
}

function quoted(word: string): string {
  const percent = word === "[%h]:%p" ? word : word.replaceAll("%", "%%");
  return `'${percent.replaceAll("'", `'\\''`)}'`;
}

function iapTunnel(vm: string, port: number, { project, zone }: { project: string; zone: string }): string {
  return `gcloud compute start-iap-tunnel ${vm} ${port} --listen-on-stdin --project=${project} --zone=${zone} --verbosity=error`;
}

/** The lines of a known_hosts file, from what the VM published (key type → key). Other text is left out. */
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
