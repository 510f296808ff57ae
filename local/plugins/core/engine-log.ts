/** Lines to the engine's display. */
import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

/** Longer lines are cut for display; what a command printed stays whole in its outputs. */
const LINE_LIMIT = 4096;
/** So many lines may wait for the engine; a command that prints faster is shown with gaps rather than made to wait. */
const BACKLOG = 1_000;

/** Where a resource's progress is reported. */
export interface Log {
  /** A passing line beside the resource, as the official command provider shows output. */
  status: (urn: string, line: string) => void;
  /** Resolves when all of a resource's lines have reached the engine, or cannot. */
  flush: (urn: string) => Promise<void>;
}

/** A log at the engine's address, or one that drops everything where the plugin was started by hand. */
export function engineLog(address: string | undefined): Log {
  if (address === undefined) return { status: () => undefined, flush: () => Promise.resolve() };
  const client = new EngineClient(address, grpc.credentials.createInsecure());
  // One after the other: the engine shows lines in the order in which calls arrive.
  let last = Promise.resolve();
  let waiting = 0;
  const skipped = new Map<string, number>();
  const send = (urn: string, line: string) => {
    const message = line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}…` : line;
    const request = new LogRequest().setSeverity(LogSeverity.INFO).setUrn(urn).setMessage(message).setEphemeral(true);
    waiting++;
    last = last.then(
      () =>
        new Promise((resolve) => {
          // Progress is no reason to fail.
          client.log(request, () => {
            waiting--;
            resolve();
          });
        }),
    );
  };
  const tellSkipped = (urn: string) => {
    const lines = skipped.get(urn);
    if (lines === undefined) return;
    skipped.delete(urn);
    send(urn, `… (${lines} lines not shown)`);
  };
  return {
    status: (urn, line) => {
      if (waiting >= BACKLOG) {
        skipped.set(urn, (skipped.get(urn) ?? 0) + 1);
        return;
      }
      tellSkipped(urn);
      send(urn, line);
    },
    flush: (urn) => {
      tellSkipped(urn);
      return last;
    },
  };
}
