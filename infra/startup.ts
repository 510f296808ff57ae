/**
 * The startup script: what makes a fresh NixOS VM a member of the fleet. It holds no secret and nothing of a particular VM, and it does not
 * carry the agent, so that a new version of the agent changes no VM's metadata. It stands once in the project's metadata; each VM carries a
 * loader, which runs it only if it is what the program wrote: who may write the project's metadata alone becomes root on no VM by it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startupKey } from "../rules/contract";
import { digest } from "./config/digest";

/** The script, for root's `/bin/sh` with next to nothing in PATH. */
export function startupScript(): string {
  return readText("startup.sh");
}

/** What a VM of this stack has as its own startup script. */
export function startupLoader({ fleet, stack }: { fleet: string; stack: string }, script: string): string {
  return readText("startup-loader.sh")
    .replaceAll(/^# .*\n/gm, "")
    .replace("@item@", startupKey(fleet, stack))
    .replace("@sha256@", digest(script));
}

function readText(file: string): string {
  return readFileSync(join(__dirname, file), "utf8");
}
