/** Runs programs of the host to their end. */
import { spawn } from "node:child_process";

/** How a program ended, and its output. */
interface Outcome {
  /** Absent if a signal ended it. */
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

/** Runs a program, with a text as its input; rejects only if it cannot be started. */
export function attempt(argv: readonly [string, ...string[]], input = ""): Promise<Outcome> {
  const [program, ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "pipe" });
    const collect = (stream: NodeJS.ReadableStream) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      return () => Buffer.concat(chunks).toString();
    };
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.once("error", reject);
    child.once("close", (code) => resolve({ exitCode: code ?? undefined, stdout: stdout(), stderr: stderr() }));
    // A program may end without reading its input.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

/** Runs a program that must succeed; the error contains its output. */
export async function run(argv: readonly [string, ...string[]], input = ""): Promise<void> {
  const { exitCode, stderr } = await attempt(argv, input);
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: ${stderr.trim() || `exit code ${exitCode ?? "none"}`}`);
}
