/** What Nix may show the servers of a flake's inputs, for one run only. */
import { join } from "node:path";
import type { CommonDecision, Driver, Situation } from "../driver";
import { remove } from "../host/files";
import { accessByKeys, type NixAccess } from "../credentials/repository-keys";

/**
 * Does something with the keys of the driver; a server that none of them is for is reached without one. What was written for it is gone
 * afterwards.
 */
export async function withNixAccess<S extends Situation, D extends CommonDecision, R>(
  driver: Driver<S, D>,
  decision: D,
  act: (access: NixAccess) => Promise<R>,
): Promise<R> {
  const folder = join(driver.place.runFolder, "access");
  const { access } = await driver.origin(decision);
  const keys = await driver.repositoryKeys(decision);
  try {
    return await act(accessByKeys(folder, access.sshWithoutKey, keys));
  } finally {
    remove(folder);
  }
}
