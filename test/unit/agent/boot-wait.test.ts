/** The wait before the update after a boot. */
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { afterEach, beforeEach, expect, it } from "vitest";
import { waitAfterBoot } from "../../../agent/boot-wait";
import { timestamp } from "../../../agent/host/time";
import { writeRequest } from "../../../agent/requests";
import { bootSpread } from "../../../rules/decision/boot-spread";
import { Scratch } from "./scratch";

let scratch: Scratch;
let run: string;
beforeEach(() => {
  scratch = new Scratch();
  run = scratch.in("run");
});
afterEach(() => scratch.remove());

/** Lets the machine have booted some seconds ago, at a moment for which it would wait so long; answers the wait in seconds. */
function booted(least: number, ago: number): number {
  for (let earlier = 0; earlier < 10_000; earlier++) {
    const at = timestamp(Date.now() - (ago + earlier) * 1_000);
    const seconds = bootSpread(`${hostname()} ${at}`, ago + earlier);
    if (seconds < least || seconds > least + 1) continue;
    writeFileSync(`${run}/booted-at`, at);
    return seconds;
  }
  throw new Error("no such moment");
}

async function taken(): Promise<number> {
  const begun = performance.now();
  await waitAfterBoot(run);
  return (performance.now() - begun) / 1_000;
}

it("is what the rule says", async () => {
  const seconds = booted(1.2, 100);
  const took = await taken();
  expect(took).toBeGreaterThan(seconds - 0.2);
});

it("ends where someone asks for an update", async () => {
  booted(50, 300);
  setTimeout(() => void writeRequest(run, { trigger: "manual", by: "carol" }), 100);
  expect(await taken()).toBeLessThan(20);
});

it("is none where it would be less than a second", async () => {
  booted(0, 4);
  expect(await taken()).toBeLessThan(0.9);
});
