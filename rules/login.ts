/** How a person gets a shell on a VM: by gcloud, which knows their OS Login key and the tunnel of Google's Identity-Aware Proxy. Pure. */

interface Login {
  project: string;
  zone: string;
  /** The account on the VM; OS Login's own by default. */
  user?: string | undefined;
  /** Connects to the VM's internal address if this machine is in its network; otherwise through the proxy. */
  isDirect: boolean;
  /** The command that runs there instead of a shell. */
  command: readonly string[];
  /** Whether a person uses a terminal here. */
  hasTerminal: boolean;
}

/** gcloud's arguments. */
export function loginArguments(vm: string, { project, zone, user, isDirect, command, hasTerminal }: Login): string[] {
  return [
    ...["compute", "ssh", user === undefined ? vm : `${user}@${vm}`, `--project=${project}`, `--zone=${zone}`],
    isDirect ? "--internal-ip" : "--tunnel-through-iap",
    ...(command.length === 0 ? [] : [`--command=${command.join(" ")}`]),
    // ssh gives a command a terminal only with `-t`.
    ...(command.length > 0 && hasTerminal ? ["--ssh-flag=-t"] : []),
  ];
}

/** The command that a person types for a shell on a VM, from anywhere. */
export function loginCommand(vm: string, { project, zone }: Pick<Login, "project" | "zone">): string {
  const shell = { project, zone, isDirect: false, command: [], hasTerminal: true };
  return ["gcloud", ...loginArguments(vm, shell)].join(" ");
}

/** Terminals that every NixOS knows. The name of another terminal would leave a shell on the VM without line editing. */
const KNOWN = /^(xterm(-256color)?|screen(-256color)?|tmux(-256color)?|linux|vt100|dumb)$/;

/** The terminal name that is sent to the VM. */
export function terminalName(own: string | undefined): string {
  return own !== undefined && KNOWN.test(own) ? own : "xterm-256color";
}
