/** What a rollback may activate. */
import { join } from "node:path";
import { exists } from "../host/files";
import type { Trial } from "../state";

/**
 * The first of these store paths that is there and is not what is on trial. What is on trial may come back if it ran before as well.
 * @param program the path, in a store path, of what activates it
 */
export function rollbackTarget(
  { path: onTrial, former }: Pick<Trial, "path" | "former">,
  paths: readonly (string | undefined)[],
  program: string,
): string | undefined {
  return paths.find(
    (path) => path !== undefined && path !== "" && (path !== onTrial || path === former) && exists(join(path, program)),
  );
}
