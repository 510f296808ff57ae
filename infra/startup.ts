/**
 * The startup script, which makes a fresh NixOS VM a member of the fleet. It contains no secret and nothing of a particular VM. It does not
 * contain the agent, so a new version of the agent changes no VM's metadata. The project's metadata contain it once. Each VM has a loader,
 * which runs the script only if it is the one that the program wrote: someone who may write only the project's metadata cannot become root
 * on a VM by it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startupKey } from "../rules/contract";
import { digest } from "./config/digest";

/** The script, for root's `/bin/sh` with next to nothing in PATH. */
export function startupScript(): string {
  return readText("startup.sh");
}

/** The startup script of a VM of this stack, in its own metadata. */
export function startupLoader({ fleet, stack }: { fleet: string; stack: string }, script: string): string {
  return readText("startup-loader.sh")
    .replaceAll(/^# .*\n/gm, "")
    .replace("@item@", startupKey(fleet, stack))
    .replace("@sha256@", digest(script));
}

function readText(file: string): string {
  return readFileSync(join(__dirname, file), "utf8");
}
