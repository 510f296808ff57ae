/** `./scripts/local down`: ends the cloud at once and removes all of it, whatever state its daemon is in. */
import { rmSync } from "node:fs";
import { cleanUp } from "../machines/cleanup";
import { cloudNames } from "../machines/names";
import { killDaemon } from "./daemon";
import type { State } from "./paths";

export async function down(state: State): Promise<void> {
  await killDaemon(state);
  await cleanUp(cloudNames(state.directory));
  rmSync(state.directory, { recursive: true, force: true });
}
