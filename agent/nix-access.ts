/** What Nix may show the servers of a flake's inputs, for one run only. */
import { join } from "node:path";
import type { CommonDecision, Driver, Situation } from "./driver";
import type { NixAccess } from "./nix";
import { accessByKeys } from "./repository-keys";

/** By the keys of the driver; a server that none of them is for is reached without one. */
export async function nixAccess<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  decision: D,
): Promise<NixAccess> {
  const { access } = await driver.origin(decision);
  const keys = await driver.repositoryKeys(decision);
  return accessByKeys(join(driver.place.runFolder, "access"), access.sshWithoutKey, keys);
}
