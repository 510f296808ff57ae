/** Runs the operator's tool once and prints the cost as JSON on the last line of standard error. measure.ts starts it as a process. */
import { run } from "../../cli/cli";
import { loadCommand } from "../../cli/load-command";
import type { CommandCost } from "./measure";

async function main(): Promise<void> {
  const [cpu, start] = [process.cpuUsage(), performance.now()];
  const code = await run(process.argv.slice(2), {
    env: process.env,
    print: (line) => process.stdout.write(`${line}\n`),
    printError: (line) => process.stderr.write(`${line}\n`),
    terminal: false,
    colour: false,
    signal: new AbortController().signal,
    loadCommand,
  });
  const { user, system } = process.cpuUsage(cpu);
  const measured: CommandCost = {
    code,
    wall: (performance.now() - start) / 1_000,
    cpu: (user + system) / 1e6,
    memory: process.resourceUsage().maxRSS / 1_024,
  };
  process.stderr.write(`${JSON.stringify(measured)}\n`);
}

void main();
