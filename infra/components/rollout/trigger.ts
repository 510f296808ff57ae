/** Starting a VM's update by SSH: for the VMs that run and that the operator can reach now. */
import { connect } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import * as compute from "@pulumi/gcp/compute";
import pMap from "p-map";
import { contract, type PresentVm } from "../../../rules/contract";
import { own } from "../../../rules/text/json";
import { isAccepted } from "../../host-key";
import type { FleetConfig, VmConfig } from "../../config/fleet-config";

/** The address where a VM answers SSH and the host key that it must show, or why it gets no trigger. */
export type Reachable = { host: string; port: number; hostKey: string } | { skipped: string };

type Config = Pick<FleetConfig, "trigger" | "ssh" | "vms" | "project">;

/** VMs whose host keys are read at once. */
const READ_AT_ONCE = 8;
/** Servers that are dialled at once. */
const DIALLED_AT_ONCE = 64;
/** Milliseconds that a server has to greet. */
const PATIENCE = 3_000;
/** Characters before a greeting. */
const MOST_READ = 10_000;

const noHostKey = "no SSH host key is published yet, or the right compute.instances.getGuestAttributes is missing";
const onlyRsa = "the only host key that is published is RSA, and the trigger needs an ed25519 or ecdsa key";

/**
 * The host key that a VM published, as `ssh-ed25519 AAAA…`; ed25519 if there are several. Pure.
 * @param values the provider gives none where it could not read them, without a reason
 */
function publishedHostKey(values: readonly { key: string; value: string }[]): string | undefined {
  const accepted = values.filter(({ key }) => isAccepted(key));
  const chosen = accepted.find(({ key }) => key === "ssh-ed25519") ?? accepted[0];
  return chosen && `${chosen.key} ${chosen.value}`;
}

/**
 * Where each VM answers SSH, by name; makes no request if the fleet does not use SSH triggers. A VM that is off or does not exist is skipped,
 * and so is one that does not answer: a trigger that cannot connect fails, and too many failures end the rollout. A preview dials no one: it
 * may run where no VM can be reached.
 * @param present the VMs as Compute listed them before
 */
export async function reachAll(
  config: Config,
  present: readonly PresentVm[],
  opts: pulumi.InvokeOptions,
): Promise<Record<string, Reachable>> {
  if (config.trigger !== "ssh") return {};
  const { bastion } = config.ssh;
  const dials = !pulumi.runtime.isDryRun();
  const closed = dials ? await whyNone(bastion) : undefined;
  const reach = async (vm: VmConfig): Promise<readonly [string, Reachable]> => {
    const found = present.find(({ name, zone }) => name === vm.name && zone === vm.zone);
    if (found?.up !== true) return [vm.name, { skipped: "is not running" }];
    return [vm.name, closed === undefined ? await lookUp(config, vm, found, opts) : { skipped: closed }];
  };
  const found = await pMap(config.vms, reach, { concurrency: READ_AT_ONCE });
  // Behind a bastion only the bastion can be asked.
  if (!dials || bastion !== undefined) return Object.fromEntries(found);
  const dial = async ([name, target]: (typeof found)[number]): Promise<(typeof found)[number]> =>
    "skipped" in target || (await answers(target.host, target.port, PATIENCE))
      ? [name, target]
      : [name, { skipped: `no SSH server answers on port ${target.port}` }];
  return Object.fromEntries(await pMap(found, dial, { concurrency: DIALLED_AT_ONCE }));
}

/** Why no VM can get a trigger. */
async function whyNone(bastion: Config["ssh"]["bastion"]): Promise<string | undefined> {
  // The provider asks this agent even though it has a key, and fails without it.
  const agent = process.env["SSH_AUTH_SOCK"] ?? "";
  if (agent !== "" && !(await listens(agent)))
    return `no SSH agent answers at ${agent}, which SSH_AUTH_SOCK names: unset that variable`;
  if (bastion !== undefined && !(await answers(bastion.host, bastion.port, PATIENCE)))
    return `no SSH server answers at the bastion ${bastion.host}:${bastion.port}`;
  return undefined;
}

async function lookUp(
  { project, ssh }: Config,
  { name, zone }: VmConfig,
  { address = "" }: PresentVm,
  opts: pulumi.InvokeOptions,
): Promise<Reachable> {
  const queryPath = `${contract.guestAttributes.hostKeysNamespace}/`;
  try {
    const published = await compute.getInstanceGuestAttributes({ name, zone, project, queryPath }, opts);
    // Without any key the property is missing, against the SDK's type.
    const keys = (published.queryValues as typeof published.queryValues | undefined) ?? [];
    const hostKey = publishedHostKey(keys);
    if (hostKey === undefined) return { skipped: keys.length === 0 ? noHostKey : onlyRsa };
    const [host = "", port = ""] = (own(ssh.addresses, name) ?? `${address}:${ssh.port}`).split(":");
    return { host, port: Number(port), hostKey };
  } catch (error) {
    return { skipped: `the host key cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/**
 * Whether an SSH server greets within `patience`. A connection alone proves nothing: the kernel of a frozen VM still accepts it, and the provider
 * would wait for the greeting without a limit.
 */
function answers(host: string, port: number, patience: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let read = "";
    const end = (answered: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answered);
    };
    const timer = setTimeout(() => end(false), patience);
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      read += text;
      // A server may say something before its version.
      if (/^SSH-/m.test(read)) end(true);
      else if (read.length > MOST_READ) end(false);
    });
    socket.once("error", () => end(false));
    socket.once("close", () => end(false));
  });
}

/** Whether a process listens at a socket of this machine. */
function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const end = (listening: boolean) => {
      socket.destroy();
      resolve(listening);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
