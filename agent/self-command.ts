/** How this agent starts itself again: in a separate unit, as another user, or as a helper of another program. */
import { resolve } from "node:path";
import { exists } from "./host/files";
import type { Program } from "./host/log";

/** The running bundle, with the program that runs it. */
export function selfCommand(program: Program): string[] {
  return [process.execPath, resolve(process.argv[1] ?? ""), program];
}

/** The installed agent, if there is one: it outlives this process. */
export function installedCommand(program: Program): string[] {
  const installed = `/run/current-system/sw/bin/${program}`;
  return exists(installed) ? [installed] : selfCommand(program);
}
