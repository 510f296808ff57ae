import { join } from "node:path";
import { execa } from "execa";

/** What a command cost, without the start of its process. */
export interface CommandCost {
  code: number;
  /** Seconds. */
  wall: number;
  /** Seconds, user and system. */
  cpu: number;
  /** MiB at the most, Node and all modules included. */
  memory: number;
}

/** Runs a command of the operator's tool; throws with its output when it does not end with 0. */
export async function measure(args: readonly string[], env: Record<string, string>): Promise<CommandCost> {
  const script = join(__dirname, "measure-child.ts");
  const end = await execa(process.execPath, ["--require", "tsx/cjs", script, ...args], { env, reject: false });
  const line = end.stderr.split("\n").at(-1) ?? "";
  if (!line.startsWith("{")) throw new Error(end.stderr);
  const measured = JSON.parse(line) as CommandCost;
  if (measured.code !== 0) throw new Error(`fleet ${args.join(" ")} ended with ${measured.code}:\n${end.stdout}`);
  return measured;
}
