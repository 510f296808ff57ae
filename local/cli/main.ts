/** The commands of `./scripts/local`. */
import { down } from "./down";
import { runningDaemon } from "./daemon";
import { daemonInfo, environment, exports, unsets, type Pace } from "./environment";
import { openState } from "./paths";
import { bumpLock, push } from "./repository";
import { up } from "./up";
import { instances, power, setChaos, ssh } from "./vm";

/** A usage error: one line, exit 2. */
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

/** A command that returns nothing and takes a fixed number of arguments. */
function fixed(words: string[], run: (first: string) => Promise<unknown>): Command {
  return async (args) => {
    if (args.length !== words.length)
      throw new Usage(`takes ${words.join(" ") || "no argument"}, not "${args.join(" ")}"`);
    await run(args[0] ?? "");
    return undefined;
  };
}

/** A command that takes `--official-pace` or no argument. */
function paced(run: (pace: Pace) => Promise<unknown>, options = "--official-pace"): Command {
  return async (args) => {
    if (args.some((arg) => arg !== "--official-pace")) throw new Usage(`takes ${options}, not "${args.join(" ")}"`);
    await run(args.length > 0 ? "official" : "quick");
    return undefined;
  };
}

const switchOf = (action: "start" | "stop" | "reset") => fixed(["VM"], (vm) => power(state, vm, action));

const commands: Record<string, Command> = {
  up: paced((pace) => up(state, pace)),
  down: fixed([], () => down(state)),
  status: fixed([], status),
  env: async (args) => {
    if (args.length === 1 && args[0] === "--unset") {
      console.log(unsets(state, process.env["PATH"] ?? ""));
      return undefined;
    }
    return paced(
      async (pace) => console.log(exports(await environment(state, pace))),
      "--official-pace or --unset",
    )(args);
  },
  reboot: switchOf("reset"),
  stop: switchOf("stop"),
  start: switchOf("start"),
  "bump-lock": fixed([], async () => {
    daemonInfo(state);
    console.log(`pushed ${await bumpLock(state)}`);
  }),
  push: async (files) => {
    if (files.length === 0) throw new Usage("takes at least one FILE");
    daemonInfo(state);
    console.log(`pushed ${await push(state, files)}`);
    return undefined;
  },
  chaos: async ([percent, seed = "1", ...more]) => {
    if (percent === undefined || more.length > 0 || Number.isNaN(Number(percent)) || !/^\d+$/.test(seed))
      throw new Usage("takes PERCENT [SEED], such as 5 or 5 42; 0 ends it");
    await setChaos(state, { percent: Number(percent), seed: Number(seed) });
    return undefined;
  },
  ssh: async ([vm, ...command]) => {
    if (vm === undefined) throw new Usage("takes VM [CMD]");
    return ssh(state, vm, command);
  },
};

async function main(): Promise<number> {
  const [name = "", ...args] = process.argv.slice(2);
  const command = commands[name];
  if (!command) throw new Usage(`unknown command; expected one of: ${Object.keys(commands).join(", ")}`);
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
