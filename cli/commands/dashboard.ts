import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { childEnvironment } from "../../rules/child-environment";
import { fleetOptions, revisionOptions, type Call, type Command } from "../command-line/command";
import { openFleet } from "../context";
import { readPageCode } from "../dashboard/page-code";
import { PageReader } from "../dashboard/reader";
import { DashboardServer } from "../dashboard/server";
import { FleetError, UsageError } from "../errors";
import { messageOf } from "../../rules/text/system-error";
import { ApiError } from "../google/api-error";
import { branchReader, refreshInterval, reportsPerRefresh } from "../status/refresh";
import { StatusReader } from "../status/reader";
import { oneLine } from "../../rules/text/text";

export const command: Command = {
  name: "dashboard",
  usage: "[--port N] [--open]",
  description: [
    "Serves the page of fleet status --html on this machine's loopback address, and keeps it up to date while it is open.",
    "Prints the page's address with the token that the page needs. Read-only. Ends with Ctrl-C (exit code 130).",
  ],
  examples: ["dashboard --open", "dashboard --port 8080"],
  options: {
    port: {
      value: "N",
      form: { pattern: /^\d{1,5}$/, right: "a port from 1 to 65535, or 0 for one that is free" },
      description: "the port to listen on; one that is free by default",
    },
    open: { description: "open the page in your browser" },
    json: { description: "print the address as one JSON document" },
    ...revisionOptions,
    ...fleetOptions,
  },
  async run(call) {
    const { options, signal } = call;
    const port = Number(options.text("port") ?? 0);
    if (port > 65_535) throw new UsageError(`dashboard: --port is ${port}; it must be a port from 1 to 65535`);
    const context = await openFleet(call);
    const reader = new StatusReader(context, branchReader(call));
    const page = new PageReader(call, context);
    const look = async (most?: number) => page.around(await reader.read(most));
    const server = new DashboardServer(await readPageCode(), look);
    const address = await listen(server, port);
    try {
      call.print(options.flag("json") ? JSON.stringify({ url: address }, null, 2) : `${address}\nCtrl-C ends`);
      if (options.flag("open")) await openBrowser(call, address);
      const interrupted = () => signal.aborted;
      while (!interrupted()) {
        await sleep(refreshInterval, undefined, { signal }).catch(() => undefined);
        if (server.watched && !interrupted()) await publish(call, server, look);
      }
    } finally {
      await server.stop();
    }
    return 130;
  },
};

async function listen(server: DashboardServer, port: number): Promise<string> {
  try {
    return await server.start(port);
  } catch (error) {
    throw new FleetError("NF211", `dashboard: --port ${port} cannot be used: ${messageOf(error)}`);
  }
}

async function publish(
  { signal }: Call,
  server: DashboardServer,
  look: (most: number) => ReturnType<PageReader["around"]>,
): Promise<void> {
  try {
    server.publish(await look(reportsPerRefresh));
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof ApiError && error.transient)) throw error;
    server.problem(oneLine(`the Compute API does not answer (${error.message}); trying again`, 300));
  }
}

/** A browser that does not start is no reason to end: the address is printed. */
async function openBrowser({ env, printError }: Call, address: string): Promise<void> {
  const program = process.platform === "darwin" ? "open" : "xdg-open";
  try {
    await execa(program, [address], {
      env: childEnvironment(program, env),
      extendEnv: false,
      stdio: "ignore",
      timeout: 10_000,
    });
  } catch {
    printError(`${program} does not open a browser here; open the address yourself`);
  }
}
