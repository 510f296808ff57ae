/** How much slower than an idle machine of 2 cores like CI's this one is now: limits in tests are longer by this factor. */
import { createHash } from "node:crypto";

/** Milliseconds that the work below takes on the machine that limits are written for. */
const REFERENCE = 60;
/** Tests run beside each other and beside lint, so that each has less than a core. */
const MARGIN = 1.5;
/** Beyond this a wait is for something that does not come. */
const MOST = 12;

function work(): number {
  const begun = performance.now();
  const block = Buffer.alloc(1024 * 1024, 7);
  for (let round = 0; round < 60; round++) createHash("sha256").update(block).digest();
  return performance.now() - begun;
}

/** Measures once, and lets the processes of the tests know (`pace.ts`). */
export function measurePace(): number {
  process.env["NIXOS_FLEET_PACE"] ??= Math.min(MOST, MARGIN * Math.max(1, work() / REFERENCE)).toFixed(1);
  return Number(process.env["NIXOS_FLEET_PACE"]);
}
