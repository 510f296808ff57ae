/** Waiting for what a machine reports. */
import { expect } from "vitest";
import { patience } from "../setup/pace";
import type { Vm } from "./vm";

/** Waits for a report under a key that matches; a failure shows the last report and the agent's journal. */
export async function expectReport(vm: Vm, key: string, expected: object, seconds = 120): Promise<void> {
  const poll = expect.poll(() => vm.report(key), { timeout: patience(seconds), interval: 500 });
  await poll.toMatchObject(expected).catch(async (error: unknown) => {
    throw new Error(`${String(error)}\n${vm.published(key) ?? "nothing"}\n${await vm.journal()}`, { cause: error });
  });
}
