/** The commands of `./scripts/local`. */
import { down } from "./down";
import { runningDaemon } from "./daemon";
import { environment, exports } from "./environment";
import { openState } from "./paths";
import { bumpLock, push } from "./repository";
import { up } from "./up";
import { instances, power, ssh } from "./vm";

const HELP = `The local cloud: real machines on this one, behind Compute's API.

  ./scripts/local up             set up what is missing, run pulumi up, show the fleet
  ./scripts/local down           end it; nothing stays behind
  ./scripts/local status         whether it runs, and its VMs
  ./scripts/local env            exports for a shell: eval "$(./scripts/local env)", then plain pulumi works
  ./scripts/local ssh VM [CMD]   a root shell in a VM
  ./scripts/local reboot|stop|start VM
  ./scripts/local bump-lock      push a changed flake.lock to the config repository
  ./scripts/local push FILE…     push changed files to the config repository

State lies in .local/, or in $NIXOS_FLEET_STATE.`;

/** A mistake of the person at the keyboard: one line, exit 2. */
class Usage extends Error {}

type Command = (args: string[]) => Promise<number | undefined>;

const state = openState();

async function status(): Promise<undefined> {
  const pid = runningDaemon(state);
  console.log(pid === undefined ? "not up" : `up (process ${pid})`);
  if (pid === undefined) return;
  for (const { name, zone, status: is } of await instances(state))
    console.log(`${name.padEnd(20)} ${zone.replace(/^.*\//, "").padEnd(16)} ${is}`);
}

/** A command that returns nothing, with a fixed number of words after it. */
function fixed(words: string[], run: (first: string) => Promise<unknown>): Command {
  return async (args) => {
    if (args.length !== words.length)
      throw new Usage(`takes ${words.join(" ") || "no argument"}, not "${args.join(" ")}"`);
    await run(args[0] ?? "");
    return undefined;
  };
}

const switchOf = (action: "start" | "stop" | "reset") => fixed(["VM"], (vm) => power(state, vm, action));

const commands: Record<string, Command> = {
  up: fixed([], () => up(state)),
  down: fixed([], () => down(state)),
  status: fixed([], status),
  env: fixed([], async () => console.log(exports(await environment(state)))),
  reboot: switchOf("reset"),
  stop: switchOf("stop"),
  start: switchOf("start"),
  "bump-lock": fixed([], async () => console.log(`pushed ${await bumpLock(state)}`)),
  push: async (files) => {
    if (files.length === 0) throw new Usage("takes at least one FILE");
    console.log(`pushed ${await push(state, files)}`);
    return undefined;
  },
  ssh: async ([vm, ...command]) => {
    if (vm === undefined) throw new Usage("takes VM [CMD]");
    return ssh(state, vm, command);
  },
};

async function main(): Promise<number> {
  const [name = "--help", ...args] = process.argv.slice(2);
  if (name === "--help" || name === "help") {
    console.log(HELP);
    return 0;
  }
  const command = commands[name];
  if (!command) throw new Usage(`unknown command; one of ${Object.keys(commands).join(", ")} is right`);
  return (await command(args)) ?? 0;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    console.error(error instanceof Usage ? `local ${process.argv[2] ?? ""}: ${message}` : message);
    process.exitCode = error instanceof Usage ? 2 : 1;
  },
);
