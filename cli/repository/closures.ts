/** Compares what VMs' systems are made of, before and after. */
import { FleetError } from "../errors";
import { buildAll, closureDifference, evaluateSystems, type Commit, type System } from "./nix";
import type { RunOptions } from "../run-program";

/** A VM whose closures are compared. */
interface Machine {
  vm: string;
  host: string;
  /** The store path that it says it runs. */
  toplevel: string;
}

/**
 * What differs, a line a package, or why that is not known. What a VM runs is taken as it is where a cache has it; all else is taken from
 * caches or built.
 */
export async function compareClosures(
  from: Commit,
  to: Commit,
  machines: readonly Machine[],
  runOptions: RunOptions,
): Promise<Map<string, string[] | Error>> {
  const hosts = [...new Set(machines.map(({ host }) => host))];
  const [old, now] = [
    lazy(() => evaluateSystems(from, runOptions, hosts)),
    lazy(() => evaluateSystems(to, runOptions, hosts)),
  ];
  const found = new Map<string, string[] | Error>();
  for (const { vm, host, toplevel } of machines) {
    try {
      const after = await built(now, host, to, runOptions);
      const before = await taken(toplevel, runOptions).catch(() => built(old, host, from, runOptions));
      found.set(vm, await closureDifference(before, after, runOptions));
    } catch (error) {
      runOptions.signal.throwIfAborted();
      found.set(vm, error instanceof Error ? error : new Error(String(error)));
    }
  }
  return found;
}

/** The path, where this machine's store has it or a cache gives it. */
async function taken(path: string, runOptions: RunOptions): Promise<string> {
  if (!/^\/nix\/store\/[\w.+-]+$/.test(path)) {
    throw new FleetError("NF212", "no store path");
  }
  await buildAll([path], { ...runOptions, progress: false });
  return path;
}

async function built(
  systems: () => Promise<Record<string, System>>,
  host: string,
  { revision }: Commit,
  runOptions: RunOptions,
): Promise<string> {
  const system = (await systems())[host];
  if (system === undefined) {
    throw new FleetError("NF212", `there is no nixosConfigurations.${host} at ${revision.slice(0, 7)}`);
  }
  await buildAll([`${system.derivation}^out`], runOptions);
  return system.toplevel;
}

/** Does it when it is first asked for, and once. */
function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
