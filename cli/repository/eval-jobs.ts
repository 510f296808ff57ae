/** Evaluates all systems of a commit by nix-eval-jobs, whose workers start again before they take too much memory. */
import { availableParallelism, freemem } from "node:os";
import * as z from "zod";
import { FleetError } from "../errors";
import { runProgram, type RunOptions } from "../run-program";
import { firstOf, oneLine } from "../../rules/text/text";
import { flakeReference, type Commit, type System } from "./nix";

/** Megabytes at which a worker starts again: nix-eval-jobs' own default. */
const workerMemory = 4_096;

const job = z.object({
  attrPath: z.array(z.string()).min(1),
  error: z.string().optional(),
  drvPath: z.string().optional(),
  outputs: z.record(z.string(), z.string().nullable()).optional(),
});

/** Parses its output lines: the systems by host, and why others cannot be evaluated. Pure. */
export function systemsOf(text: string): { systems: Record<string, System>; errors: Record<string, string> } {
  const [systems, errors]: [Record<string, System>, Record<string, string>] = [{}, {}];
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const { attrPath, error, drvPath, outputs } = job.parse(JSON.parse(line));
    const host = attrPath[0] ?? "";
    const toplevel = outputs?.["out"] ?? undefined;
    if (error !== undefined || drvPath === undefined || toplevel === undefined)
      errors[host] = reasonIn(error ?? "it has no output");
    else systems[host] = { derivation: drvPath, toplevel };
  }
  return { systems, errors };
}

/** Nix prints its error last, and the place of the error before it. */
function reasonIn(error: string): string {
  const lines = error.split("\n").map((line) => line.trim());
  return oneLine((lines.findLast((line) => /^error: /.test(line)) ?? lines.at(-1) ?? "").replace(/^error: /, ""), 300);
}

/** How many workers fit into this machine's memory. Pure but for the defaults. */
export function workersFor(processors = availableParallelism(), free = freemem()): number {
  return Math.max(1, Math.min(processors, Math.floor(free / 2 ** 20 / workerMemory)));
}

/** Whether nix-eval-jobs is on PATH. */
export async function hasEvalJobs(runOptions: RunOptions): Promise<boolean> {
  return runProgram("nix-eval-jobs", ["--help"], { ...runOptions, progress: false }).then(
    () => true,
    () => false,
  );
}

/** All systems of a commit, by their host names. @throws FleetError that names the hosts that cannot be evaluated */
export async function evaluateByJobs(
  commit: Commit,
  runOptions: RunOptions,
  workers = workersFor(),
): Promise<Record<string, System>> {
  const flake = JSON.stringify(flakeReference(commit)).replaceAll("${", "\\${");
  const expression = `builtins.mapAttrs (_: machine: machine.config.system.build.toplevel) (builtins.getFlake ${flake}).nixosConfigurations or { }`;
  const limits = ["--workers", String(workers), "--max-memory-size", String(workerMemory)];
  const flakes = ["--option", "extra-experimental-features", "nix-command flakes"];
  const text = await runProgram("nix-eval-jobs", [...limits, ...flakes, "--expr", expression], {
    progress: true,
    ...runOptions,
  });
  const { systems, errors } = systemsOf(text);
  const [first] = Object.entries(errors);
  if (first !== undefined) {
    const names = Object.keys(errors);
    throw new FleetError("NF212", oneLine(`${firstOf(names)} cannot be evaluated: ${first[0]}: ${first[1]}`, 900));
  }
  return systems;
}
