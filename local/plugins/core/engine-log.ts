/** Lines to the engine's display. */
import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

/** Longer lines are cut for display. The outputs keep a command's whole output. */
const LINE_LIMIT = 4096;
/** Maximum number of lines that may wait for the engine. If a command prints faster, lines are dropped so that it need not wait. */
const BACKLOG = 1_000;

/** Where a resource's progress is reported. */
export interface Log {
  /** A transient line beside the resource, as the official command provider shows output. */
  status: (urn: string, line: string) => void;
  /** Resolves when all of a resource's lines have reached the engine, or cannot reach it. */
  flush: (urn: string) => Promise<void>;
}

/** A log to the engine that connected last. Before an engine connects, it drops everything. */
interface EngineLog extends Log {
  /** @param address the engine's, `127.0.0.1:PORT` */
  connect: (address: string) => void;
}

export function engineLog(): EngineLog {
  let client: EngineClient | undefined;
  let at = "";
  // One call after the other, because the engine shows lines in the order of arrival.
  let last = Promise.resolve();
  let waiting = 0;
  const skipped = new Map<string, number>();
  const send = (urn: string, line: string) => {
    const engine = client;
    if (engine === undefined) return;
    const message = line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}…` : line;
    const request = new LogRequest().setSeverity(LogSeverity.INFO).setUrn(urn).setMessage(message).setEphemeral(true);
    waiting++;
    last = last.then(
      () =>
        new Promise((resolve) => {
          // A failed progress message does not fail the operation.
          engine.log(request, () => {
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
    // An engine connects once for each provider of its program.
    connect: (address) => {
      if (address === at) return;
      client?.close();
      at = address;
      client = new EngineClient(address, grpc.credentials.createInsecure());
    },
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
