/** The delay of the update after a boot. */
import { hostname } from "node:os";
import { bootSpread } from "../rules/decision/boot-spread";
import { log } from "./host/log";
import { bootedAt, sleep } from "./host/time";
import { pendingRequests } from "./requests";

/** Milliseconds between two checks for a request for an update. A person who requests one does not wait for the delay. */
const LOOK = 500;

export async function waitAfterBoot(runFolder: string): Promise<void> {
  const booted = bootedAt(runFolder);
  const seconds = bootSpread(`${hostname()} ${booted}`, (Date.now() - Date.parse(booted)) / 1_000);
  if (seconds < 1) return;
  log(`starting in ${Math.round(seconds)} s: not all machines at once after a boot`);
  const end = performance.now() + seconds * 1_000;
  for (let left = seconds * 1_000; left > 0 && pendingRequests(runFolder).length === 0; left = end - performance.now())
    await sleep(Math.min(LOOK, left));
}
