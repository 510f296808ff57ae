/** The credentials that Nix may show to the servers of a flake's inputs, for one run only. */
import { join } from "node:path";
import type { CommonDecision, Driver, Situation } from "../driver";
import { remove } from "../host/files";
import { accessByKeys, type NixAccess } from "../credentials/repository-keys";

/**
 * Runs a callback with the driver's keys. A server that has no key is reached without one. The files written for it are deleted
 * afterwards.
 */
export async function withNixAccess<S extends Situation, D extends CommonDecision, R>(
  driver: Pick<Driver<S, D>, "place" | "origin" | "repositoryKeys">,
  decision: D,
  act: (access: NixAccess) => Promise<R>,
): Promise<R> {
  const folder = join(driver.place.runFolder, "access");
  const { access } = await driver.origin(decision);
  const keys = await driver.repositoryKeys(decision);
  try {
    return await act({
      ...accessByKeys(folder, access.sshWithoutKey, keys),
      cache: join(driver.place.stateFolder, "nix-cache"),
    });
  } finally {
    remove(folder);
  }
}
