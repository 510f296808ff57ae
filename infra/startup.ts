/**
 * The startup script: what makes a fresh NixOS VM a member of the fleet. It holds no secret and nothing of a particular VM, and it does not
 * carry the agent, so that a new version of the agent changes no VM's metadata.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What of Compute's 256 KiB for one value it may take; all of them together may have 512 KiB. */
export const startupScriptLimit = 16 * 1024;

/** The script, for root's `/bin/sh` with next to nothing in PATH. */
export function startupScript(): string {
  return readFileSync(join(__dirname, "startup.sh"), "utf8");
}
