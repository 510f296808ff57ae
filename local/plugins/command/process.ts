/** One child process: its output is stored and shown. It ends under the same conditions as under the official command provider. */
import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";

interface ProcessOptions {
  argv: readonly string[];
  cwd?: string;
  env: NodeJS.ProcessEnv;
  stdin?: string;
  signal: AbortSignal;
  /** Called for every complete line. */
  onLine: (stream: "stdout" | "stderr", line: string) => void;
}

export interface Ended {
  stdout: string;
  stderr: string;
  /** Both streams in the order of arrival, for error messages. */
  both: string;
  /** `exit status 1`, `signal: killed` …; `undefined` on success. */
  failure?: string;
  exitCode: number | null;
}

/**
 * Runs a process to its end. Rejects if it cannot be started, or when `signal` is aborted. As in Go's `exec.CommandContext`, an abort sends
 * SIGKILL to the process alone, and then waits until no process holds its pipes any more: a shell's children may do so for long.
 */
export function runProcess({ argv, cwd, env, stdin, signal, onLine }: ProcessOptions): Promise<Ended> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(reason(signal));
      return;
    }
    const child = spawn(program, args, { env, stdio: "pipe", ...(cwd === undefined ? {} : { cwd }) });
    const both: string[] = [];
    const stdout = collect(
      child.stdout,
      (chunk) => both.push(chunk),
      (line) => onLine("stdout", line),
    );
    const stderr = collect(
      child.stderr,
      (chunk) => both.push(chunk),
      (line) => onLine("stderr", line),
    );
    // A command that does not read its input does not fail.
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin ?? "");
    const stop = () => void child.kill("SIGKILL");
    signal.addEventListener("abort", stop, { once: true });
    child.once("error", (error) => {
      signal.removeEventListener("abort", stop);
      reject(startError(error));
    });
    child.once("close", (exitCode, killedBy) => {
      signal.removeEventListener("abort", stop);
      if (signal.aborted) {
        reject(reason(signal));
        return;
      }
      const failure = exitCode === 0 ? undefined : killedBy ? `signal: ${killedBy}` : `exit status ${String(exitCode)}`;
      const ended = { stdout: stdout(), stderr: stderr(), both: both.join(""), exitCode };
      resolve(failure === undefined ? ended : { ...ended, failure });
    });
  });
}

/** Collects a stream's text. A line of any length is passed on when it ends. */
function collect(
  stream: NodeJS.ReadableStream,
  onChunk: (chunk: string) => void,
  onLine: (line: string) => void,
): () => string {
  const decoder = new StringDecoder("utf8");
  const chunks: string[] = [];
  let rest: string[] = [];
  stream.on("data", (data: Buffer) => {
    const chunk = decoder.write(data);
    chunks.push(chunk);
    onChunk(chunk);
    const lines = chunk.split("\n");
    const last = lines.pop() ?? "";
    for (const line of lines) {
      onLine(rest.join("") + line);
      rest = [];
    }
    rest.push(last);
  });
  stream.on("end", () => {
    const line = rest.join("");
    if (line !== "") onLine(line);
  });
  return () => chunks.join("");
}

/** Linux accepts no argument and no variable of more than 128 KiB. */
function startError(error: Error & { code?: string }): Error {
  if (error.code !== "E2BIG") return error;
  return new Error(
    "the command or a variable of its environment is too long; addPreviousOutputInEnv: false keeps former output out of it",
    { cause: error },
  );
}

function reason(signal: AbortSignal): Error {
  const why: unknown = signal.reason;
  if (why instanceof Error && why.name === "TimeoutError") return new Error("the time in customTimeouts is over");
  return why instanceof Error ? why : new Error("cancelled");
}
