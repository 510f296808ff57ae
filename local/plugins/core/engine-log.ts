/** Lines to the engine's display. */
import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

/** Longer lines are cut for display; what a command printed stays whole in its outputs. */
const LINE_LIMIT = 4096;

/** Where a resource's progress is told. */
export interface Log {
  /** A passing line beside the resource, as the official command provider shows output. */
  status(urn: string, line: string): void;
  warn(urn: string, line: string): void;
  /** Resolves when all lines have reached the engine, or cannot. */
  flush(): Promise<void>;
}

/** A log at the engine's address, or one that drops everything where the plugin was started by hand. */
export function engineLog(address: string | undefined): Log {
  if (address === undefined) return { status: () => undefined, warn: () => undefined, flush: () => Promise.resolve() };
  const client = new EngineClient(address, grpc.credentials.createInsecure());
  // One after the other: the engine shows lines in the order in which calls arrive.
  let last = Promise.resolve();
  const send = (severity: LogSeverity, urn: string, line: string, ephemeral: boolean) => {
    const message = line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}…` : line;
    const request = new LogRequest().setSeverity(severity).setUrn(urn).setMessage(message).setEphemeral(ephemeral);
    last = last.then(
      () =>
        new Promise((resolve) => {
          // Progress is no reason to fail.
          client.log(request, () => resolve());
        }),
    );
  };
  return {
    status: (urn, line) => send(LogSeverity.INFO, urn, line, true),
    warn: (urn, line) => send(LogSeverity.WARNING, urn, line, false),
    flush: () => last,
  };
}
