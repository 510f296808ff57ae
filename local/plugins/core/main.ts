/** Starts a plugin as Pulumi's engine expects: it serves on a free loopback port and prints the port's number first. */
import * as path from "node:path";
import * as grpc from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { engineLog, type Log } from "./engine-log";
import type { Provider } from "./provider";
import { service } from "./service";
import { Typings } from "./typings";

/** As the engine's own limit (sdk/go/common/util/rpcutil): a state may be large. */
const MESSAGE_BYTES = 400 * 1024 * 1024;
/** How often to look whether the engine still lives, in milliseconds. */
const WATCH = 2_000;
/** How long children have to end after the engine is gone, in milliseconds; it kills a plugin that takes 5 s. */
const GRACE = 1_000;

/**
 * Serves the provider that `make` returns until the engine ends.
 * @param packageName the npm package whose declarations say what inputs there are
 */
export function main(packageName: string, make: (typings: Typings, log: Log) => Provider): void {
  // Set by the launcher for this process; commands that a plugin runs must not inherit it.
  delete process.env["TSX_TSCONFIG_PATH"];
  const typings = new Typings(path.dirname(require.resolve(`${packageName}/package.json`)));
  const provider = make(typings, engineLog(process.argv[2]));
  const cancelled = new AbortController();
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES,
    "grpc.max_send_message_length": MESSAGE_BYTES,
  });
  server.addService(ResourceProviderService, { ...service(provider, cancelled) });
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${port}\n`);
  });
  leaveWithTheEngine(server, cancelled);
}

/**
 * The engine ends its plugins by SIGINT (they are a process group of their own, so a terminal's Ctrl-C does not come here), and one that
 * was killed by nothing at all: end the commands under way, then this process.
 */
function leaveWithTheEngine(server: grpc.Server, cancelled: AbortController): void {
  const engine = process.ppid;
  const leave = () => {
    cancelled.abort(new Error("cancelled: the engine is gone"));
    server.tryShutdown(() => process.exit(0));
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
