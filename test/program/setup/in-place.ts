import { expect } from "vitest";
import type { Program } from "./program";

/**
 * Runs `up` with this configuration, and sees to it that no VM of these is replaced and that a second run has nothing to do. Answers what
 * it said.
 */
export async function upInPlace(program: Program, config: object, vms: readonly { name: string }[]): Promise<string> {
  program.configure({ "nixos-fleet:deletionProtection": "false", "nixos-fleet:vms": vms, ...config });
  const ids = () => vms.map(({ name }) => program.cloud.store.instance(name)?.id);
  const before = ids();
  const { exitCode, text } = await program.run("up");
  expect(exitCode, text).toBe(0);
  // The first time there are none.
  if (before[0] !== undefined) expect(ids()).toEqual(before);
  expect(await program.changes()).toEqual({});
  return text;
}
