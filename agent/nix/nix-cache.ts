/** Nix with a cache of the agent's own, which the agent may delete. */
import { chmodSync, mkdirSync } from "node:fs";
import { mayBeDamagedCache } from "../../rules/decision/nix-cache";
import type { NixAccess } from "../credentials/repository-keys";
import { isThere, remove } from "../host/files";
import { log } from "../host/log";
import { type Finished, run, succeeded } from "../host/process";

/** Runs nix, and again without its cache if that may be damaged. */
export async function runNix(
  args: readonly string[],
  { cache, env }: NixAccess,
  limits: { timeout: number; grace: number },
): Promise<Finished> {
  if (cache === undefined) return run("nix", args, { ...limits, ...(env === undefined ? {} : { env }) });
  const ownCache = { XDG_CACHE_HOME: cache, NIX_CACHE_HOME: undefined };
  const start = () => {
    closeToOthers(cache);
    return run("nix", args, { ...limits, env: { ...env, ...ownCache } });
  };
  const hadCache = isThere(cache);
  const finished = await start();
  const hasAnswered = succeeded(finished) || finished.status === undefined || finished.limit !== undefined;
  if (!hadCache || hasAnswered || !mayBeDamagedCache(finished.stderr, cache)) return finished;
  log(`nix cannot read a repository; deleting its cache ${cache} and trying again`);
  remove(cache);
  return start();
}

/** The cache has whole clones of inputs, with their history, that root fetched with keys. Others may read the locked revisions in the store. */
function closeToOthers(cache: string): void {
  mkdirSync(cache, { recursive: true });
  chmodSync(cache, 0o700);
}
