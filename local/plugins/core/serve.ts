/** Serves a provider on its own port, for one engine after the other. */
import { setMaxListeners } from "node:events";
import * as path from "node:path";
import * as grpc from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { engineLog, type Log } from "./engine-log";
import type { Provider } from "./provider";
import { service, type Engine } from "./service";
import { Typings } from "./typings";

/** The same as the engine's own limit (sdk/go/common/util/rpcutil): a state may be large. */
const MESSAGE_BYTES = 400 * 1024 * 1024;

export interface Served {
  /** On 127.0.0.1. */
  port: number;
  /** Ends the running calls, then the server; resolves after that. */
  stop: (reason: Error) => Promise<void>;
}

/** A new engine's Cancel. Every call that runs listens to it, and an engine makes many at once. */
function cancellation(): AbortController {
  const cancelled = new AbortController();
  setMaxListeners(0, cancelled.signal);
  return cancelled;
}

/**
 * Serves the provider that `make` returns.
 * @param packageName the npm package whose declarations define the inputs
 */
export async function serve(packageName: string, make: (typings: Typings, log: Log) => Provider): Promise<Served> {
  const typings = new Typings(path.dirname(require.resolve(`${packageName}/package.json`)));
  const log = engineLog();
  const engine: Engine = {
    cancelled: cancellation(),
    connect: (address) => {
      engine.cancelled = cancellation();
      log.connect(address);
    },
  };
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES,
    "grpc.max_send_message_length": MESSAGE_BYTES,
  });
  server.addService(ResourceProviderService, { ...service(make(typings, log), engine) });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    stop: async (reason) => {
      engine.cancelled.abort(reason);
      await new Promise<void>((ended) => server.tryShutdown(() => ended()));
    },
  };
}
