/** Starts a plugin as Pulumi's engine expects: it serves on a free loopback port and prints the port's number first. */
import type { Log } from "./engine-log";
import type { Provider } from "./provider";
import { serve, type Served } from "./serve";
import type { Typings } from "./typings";

/** Milliseconds between checks whether the engine still lives. */
const WATCH = 2_000;
/** Milliseconds that children have to end after the engine is gone; the engine kills a plugin that takes 5 s. */
const GRACE = 1_000;

/** Serves the provider that `make` returns until the engine ends. The arguments are the same as those of `serve`. */
export async function main(packageName: string, make: (typings: Typings, log: Log) => Provider): Promise<void> {
  // The launcher sets it for this process; commands that a plugin runs must not inherit it.
  delete process.env["TSX_TSCONFIG_PATH"];
  const served = await serve(packageName, make);
  process.stdout.write(`${served.port}\n`);
  leaveWithTheEngine(served);
}

/**
 * The engine ends its plugins by SIGINT (they have their own process group, so a terminal's Ctrl-C does not reach them). A killed engine
 * sends no signal. In both cases, end the running commands first, then this process.
 */
function leaveWithTheEngine(served: Served): void {
  const engine = process.ppid;
  const leave = () => {
    void served.stop(new Error("cancelled: the engine is gone")).then(() => process.exit(0));
    setTimeout(() => process.exit(0), GRACE);
  };
  const watch = setInterval(() => {
    if (process.ppid === engine) return;
    clearInterval(watch);
    leave();
  }, WATCH);
  process.once("SIGTERM", leave);
  process.once("SIGINT", leave);
}
