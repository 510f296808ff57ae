import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import pMap from "p-map";
import { childEnvironment } from "../../rules/child-environment";
import { contract, short } from "../../rules/contract";
import type { Report } from "../../rules/report";
import { reportOf } from "../../rules/report-reading";
import { failureText } from "../../rules/text/sentences";
import { byOption, fleetOptions, type Call, type Command, userForm } from "../command-line/command";
import { actor, openFleet, requireVms, type FleetContext } from "../context";
import { FleetError, UsageError } from "../errors";
import { readVmReports, type FleetVm } from "../fleet";
import { knownHostsLines, parseAddresses, sshArguments, type Bastion, type SshTarget } from "../ssh";
import { lastLines } from "../text";
import { messageOf } from "../../rules/text/system-error";
import { oneLine } from "../../rules/text/text";

/** VMs that are asked at once. */
const parallel = 8;

export const command: Command = {
  name: "trigger",
  usage: "VM… [--bastion USER@HOST | --iap]",
  description: [
    "Starts the update of these VMs and waits for it. The host keys are those that the VMs published as guest attributes.",
    "Rarely needed, because running VMs see a new approval by themselves. Skips stopped VMs; they catch up at boot.",
  ],
  examples: [
    "trigger dev-alice dev-bob --iap",
    "trigger dev-alice --bastion infra@bastion.example.com",
    "trigger dev-alice --address dev-alice=localhost:2201 --identity ./key",
  ],
  options: {
    user: { value: "USER", form: userForm, description: "the account on the VM; fleet-trigger by default" },
    address: {
      value: "VM=HOST:PORT",
      multiple: true,
      description: "a VM's SSH address; its internal address and port 22 by default",
    },
    bastion: { value: "USER@HOST[:PORT]", description: "through this host, whose key your ssh knows" },
    "known-hosts": { value: "FILE", description: "the file with the bastion's host key" },
    iap: { description: "through Google's Identity-Aware Proxy, by gcloud" },
    identity: { value: "FILE", description: "the private key, for the bastion too" },
    timeout: { value: "TIME", description: "how long to wait for each VM; 20m by default" },
    json: { description: "print each VM's result as one JSON document" },
    by: { ...byOption, description: "who asks, for the VM's journal; USER@MACHINE by default" },
    ...fleetOptions,
  },
  positionals: { least: 1, most: 1_000 },
  async run(call) {
    const target = readTarget(call);
    const context = await openFleet(call);
    const vms = await requireVms(context, call.positionals);
    const json = call.options.flag("json");
    const directory = mkdtempSync(join(tmpdir(), "fleet-"));
    try {
      const trigger = async (vm: FleetVm) => {
        const { well, text } = await ask(vm, target, call, context, directory).catch((error: unknown) =>
          notAsked(error, call),
        );
        if (!json) call.print(`${vm.name}  ${oneLine(text)}`);
        return { name: vm.name, well, text: oneLine(text) };
      };
      const results = await pMap(vms, trigger, { concurrency: parallel });
      if (json) call.print(JSON.stringify({ vms: results }, null, 2));
      return results.every(({ well }) => well) ? 0 : 1;
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
};

type Settings = Omit<SshTarget, "host" | "port" | "iap"> & {
  addresses: ReturnType<typeof parseAddresses>;
  iap: boolean;
  /** Seconds. */
  timeout: number;
  command: string;
};

function readTarget(call: Call): Settings {
  const { options } = call;
  const user = options.text("user") ?? "fleet-trigger";
  const bastion = readBastion(call);
  const iap = options.flag("iap");
  if (iap && bastion !== undefined) {
    throw new UsageError("trigger: --iap and --bastion cannot be combined");
  }
  const timeout = options.duration("timeout", "20m");
  // A shell on the VM reads this, so it may contain no character with a meaning to a shell.
  const by = actor(call).replace(/[^\w@.:/-]+/g, "-");
  const addresses = parseAddresses(options.list("address"));
  const command = `sudo -n ${contract.units.system} trigger --by ${by}`;
  return { user, bastion, iap, timeout, addresses, command, identity: options.text("identity") };
}

function readBastion({ options }: Call): Bastion | undefined {
  const [written, knownHosts] = [options.text("bastion"), options.text("known-hosts")];
  if (written === undefined) {
    if (knownHosts !== undefined) throw new UsageError("trigger: --known-hosts requires --bastion");
    return undefined;
  }
  const [, destination, port = "22"] = /^((?:\w[\w.-]*@)?\w[\w.-]*)(?::(\d{1,5}))?$/.exec(written) ?? [];
  if (destination === undefined) {
    throw new UsageError(`trigger: --bastion is ${oneLine(written, 80)}; it must be USER@HOST or USER@HOST:PORT`);
  }
  return { destination, port: Number(port), knownHosts };
}

/** Asks one VM; whether it went well, and what to say of it. */
async function ask(
  vm: FleetVm,
  settings: Settings,
  { env, signal }: Call,
  { compute }: FleetContext,
  directory: string,
): Promise<{ well: boolean; text: string }> {
  if (vm.state !== "RUNNING") {
    return { well: true, text: `is ${vm.state}: left out, it catches up when it boots` };
  }
  const keys = knownHostsLines(vm.name, await compute.guestAttributes(vm, contract.guestAttributes.hostKeysNamespace));
  if (keys.length === 0) {
    return { well: false, text: "has published no SSH host key" };
  }
  const address = settings.addresses.get(vm.name) ?? { host: vm.address, port: 22 };
  if (address.host === undefined) {
    return { well: false, text: "has no address; --iap goes through Google's proxy" };
  }
  const knownHosts = join(directory, vm.name);
  writeFileSync(knownHosts, `${keys.join("\n")}\n`);
  const iap = settings.iap ? { project: compute.project, zone: vm.zone } : undefined;
  const target = { ...settings, host: address.host, port: address.port, iap };
  const before = reportOf((await readVmReports(compute, vm)).system);
  const end = await execa("ssh", sshArguments(vm.name, target, knownHosts, settings.command), {
    env: childEnvironment("ssh", env),
    extendEnv: false,
    reject: false,
    stdin: "ignore",
    timeout: settings.timeout * 1_000,
    cancelSignal: signal,
    maxBuffer: 1_000_000,
  });
  if (end.exitCode === 0) {
    return resultOf(before, reportOf((await readVmReports(compute, vm)).system));
  }
  // Through a bastion, the inner ssh says why; the outer one then says only that the connection was closed.
  const said = lastLines(end.stderr, 2).findLast((line, index) => index === 0 || !line.includes("by UNKNOWN port"));
  const why = said ?? (end.code === "ENOENT" ? messageOf(end) : end.shortMessage) ?? "ssh failed";
  return { well: false, text: end.timedOut ? "is still at it" : `failed: ${why}${hintAt(why, settings)}` };
}

/** The result of a VM that cannot be asked; it does not end the command for the others. */
function notAsked(error: unknown, { signal }: Call): { well: boolean; text: string } {
  signal.throwIfAborted();
  if (!(error instanceof FleetError)) throw error;
  return { well: false, text: `its host keys cannot be read: ${error.message}` };
}

/**
 * What the VM did, by what it reports after the run. A report with the same time is the one from before the run. Only a run that again
 * finds nothing to do, or fails in the same way, leaves the former report as it is.
 */
export function resultOf(before: Report | null, after: Report | null): { well: boolean; text: string } {
  const isOld = after?.at === before?.at && after?.outcome !== "unchanged" && after?.outcome !== "failed";
  if (after === null || isOld)
    return { well: true, text: "ended its run; its report has not arrived yet, fleet status shows it" };
  const [revision, why] = [short(after.revision), lastLines(after.error ?? "", 1)[0] ?? ""];
  const because = why === "" ? "" : `: ${why}`;
  switch (after.outcome) {
    case "updated":
      return { well: true, text: `updated to ${revision} on request` };
    case "unchanged":
      return { well: true, text: `nothing to do: it runs ${revision} already` };
    case "held":
      return { well: true, text: `did not move, it is held at ${revision}${because}` };
    case "deferred":
      return { well: true, text: `waits, at ${revision}${because}` };
    case "failed":
      return { well: false, text: `failed: ${failureText(after)}` };
  }
}

/** Other ways to a VM that does not answer at its own address. */
function hintAt(why: string, { iap, bastion }: Settings): string {
  const isUnreachable = /timed out|No route to host|Network is unreachable|Connection refused/i.test(why);
  return isUnreachable && !iap && bastion === undefined
    ? "; --iap goes through Google's proxy, --bastion by a host"
    : "";
}
