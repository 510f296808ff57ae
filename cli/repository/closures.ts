/** Compares the contents of VMs' systems, before and after. */
import { oneLine } from "../../rules/text/text";
import { FleetError } from "../errors";
import { buildAll, closureDifference, evaluateSystems, type Commit, type System } from "./nix";
import type { RunOptions } from "../run-program";

/** A VM whose closures are compared. */
interface Machine {
  vm: string;
  host: string;
  /** The store path that the VM reports. */
  toplevel: string;
}

/**
 * The differences, one line per package, or why they are unknown. The path that a VM runs is used only if a cache has it; all other
 * paths come from caches or are built.
 * @param checkOld throws if `from`, which VMs named, may not be evaluated on this machine
 */
export async function compareClosures(
  from: Commit,
  to: Commit,
  machines: readonly Machine[],
  runOptions: RunOptions,
  checkOld: () => Promise<unknown>,
): Promise<Map<string, string[] | Error>> {
  const hosts = [...new Set(machines.map(({ host }) => host))];
  const old = lazy(async () => {
    await checkOld();
    return evaluateSystems(from, runOptions, hosts);
  });
  const now = lazy(() => evaluateSystems(to, runOptions, hosts));
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

/** The path, if this machine's store has it or a cache provides it. */
async function taken(path: string, runOptions: RunOptions): Promise<string> {
  if (!/^\/nix\/store\/[\w.+-]+$/.test(path)) {
    throw new FleetError("NF212", `its build printed no store path, but "${oneLine(path, 100)}"`);
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

/** Runs it on first use, and only once. */
function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
