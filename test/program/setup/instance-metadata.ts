import type { Program } from "./program";

/** What the program writes into the metadata of dev-alice, for the agent; empty where it writes nothing. */
export function instanceMetadata(program: Program): Record<string, unknown> {
  const [, inputs] = program.resources()["devs-dev-alice-vm"] ?? [];
  const metadata = inputs?.["metadata"] as Record<string, string> | undefined;
  return JSON.parse(metadata?.["nixos-fleet"] ?? "{}") as Record<string, unknown>;
}
