import { execa, ExecaError } from "execa";
import { childEnvironment } from "../../rules/child-environment";
import { fleetOptions, type Call, type Command, userForm } from "../command-line/command";
import { openFleet, requireVms } from "../context";
import { FleetError } from "../errors";
import type { FleetVm } from "../fleet";
import { loginArguments, terminalName } from "../../rules/login";

export const command: Command = {
  name: "ssh",
  usage: "VM [COMMAND…]",
  description: [
    "Opens a shell on a VM, or runs a command there, through Google's Identity-Aware Proxy with your own OS Login. It calls",
    "gcloud compute ssh with the right flags. Put -- before a command whose words begin with -.",
  ],
  examples: ["ssh dev-alice", "ssh dev-alice -- journalctl -u nixos-auto-update -n 50", "ssh dev-alice --direct"],
  options: {
    direct: { description: "connect to the internal address; your machine must be in the VM's network" },
    user: { value: "USER", form: userForm, description: "the account on the VM, if not your own" },
    ...fleetOptions,
  },
  positionals: { least: 1, most: 1_000 },
  verbatim: true,
  async run(call) {
    const [name = "", ...words] = call.positionals;
    const context = await openFleet(call);
    const [vm] = await requireVms(context, [name]);
    return vm === undefined ? 1 : runThere(call, context.compute.project, vm, words);
  },
};

/** Runs a command on a VM, or a shell, with this process' own terminal. @throws FleetError if the VM does not run, or gcloud is absent */
export async function runThere(
  { env, options, terminal }: Call,
  project: string,
  vm: FleetVm,
  command: readonly string[],
): Promise<number> {
  if (vm.state !== "RUNNING") {
    throw new FleetError(
      "NF209",
      `${vm.name} is ${vm.state}; gcloud compute instances start ${vm.name} --zone=${vm.zone} --project=${project} starts it`,
    );
  }
  const user = options.text("user");
  const login = { project, zone: vm.zone, user, isDirect: options.flag("direct"), command, hasTerminal: terminal };
  try {
    await execa("gcloud", loginArguments(vm.name, login), {
      env: { ...childEnvironment("gcloud", env), TERM: terminalName(env["TERM"]) },
      extendEnv: false,
      stdio: "inherit",
    });
    return 0;
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    if (error.code === "ENOENT") throw new FleetError("NF207", "gcloud is not on PATH; install the Google Cloud SDK");
    // What went wrong was said on the terminal.
    return error.exitCode ?? 1;
  }
}
