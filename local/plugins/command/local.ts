/** `command:local:Command` and `command:local:run`. */
import type { Failure } from "../core/check";
import type { Log } from "../core/engine-log";
import type { Run } from "../core/provider";
import { text, type Props } from "../core/value";
import { runProcess } from "./process";
import { environment, shown, trimmed, type Output } from "./resource";

const SHELL = ["/bin/sh", "-c"];
/** In bytes. On a longer line the official provider waits forever, unless `logging` hides the stream. Here such a line is an error. */
const LINE_LIMIT = 64 * 1024;

/** Runs a command on this machine, in the program's directory unless `dir` says another. */
export async function runLocally(
  log: Log,
  command: string,
  inputs: Props,
  previous: Output,
  { urn, signal }: Run,
): Promise<Output> {
  const interpreter = Array.isArray(inputs["interpreter"]) ? inputs["interpreter"].map(String) : [];
  const cwd = text(inputs, "dir");
  const stdin = text(inputs, "stdin");
  let longest = 0;
  let ended: Awaited<ReturnType<typeof runProcess>>;
  try {
    ended = await runProcess({
      argv: [...(interpreter.length > 0 ? interpreter : SHELL), command],
      env: { ...process.env, ...environment(inputs, previous) },
      signal,
      onLine: (stream, line) => {
        if (!shown(inputs, stream)) return;
        longest = Math.max(longest, Buffer.byteLength(line));
        log.status(urn, line);
      },
      ...(cwd === undefined ? {} : { cwd }),
      ...(stdin === undefined ? {} : { stdin }),
    });
  } finally {
    await log.flush(urn);
  }
  if (longest > LINE_LIMIT)
    throw new Error(`a line of ${longest} bytes: the official command provider hangs on more than ${LINE_LIMIT}`);
  if (ended.failure !== undefined)
    throw new Error(`${ended.failure}: running ${JSON.stringify(command)}:\n${ended.both}`);
  return trimmed(ended);
}

/** Only the official provider supports assets. */
export function refuseAssets(inputs: Props): Failure[] {
  return ["assetPaths", "archivePaths"]
    .filter((key) => (inputs[key] ?? null) !== null)
    .map((key) => ({
      property: key,
      reason: `${key}: the local stand-in for the command provider collects no assets`,
    }));
}
