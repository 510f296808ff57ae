/**
 * Rollouts while a share of Google's calls fails, before or after it was applied: each `up` converges, or stops with a true report and the
 * next one goes on. Afterwards nothing is left over. A day of 20 rollouts runs with `--all`, three otherwise.
 */
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Random } from "../faults/random";
import { patience } from "../setup/pace";
import { Program } from "./setup/program";

const rollouts = process.env["NIXOS_FLEET_LONG"] === undefined ? 3 : 20;
const vms = ["dev-canary", "dev-alice", "dev-bob"];
/** Of a hundred calls, so many fail: more than Google's, since a run makes some hundred. */
const percent = 8;

let program: Program;
beforeAll(async () => {
  program = await Program.start("chaos");
});
afterAll(() => program.stop());

async function chaos(share: number, seed: number): Promise<void> {
  const body = JSON.stringify({ percent: share, seed });
  expect((await fetch(`${program.endpoint}/local/chaos`, { method: "PUT", body })).ok).toBe(true);
}

const descriptors = () => readdirSync("/proc/self/fd").length;

it("converges or says why not, and leaks nothing", { timeout: patience(120 * rollouts) }, async () => {
  const random = Random.seeded();
  console.log(`seed ${random.seed}`);
  program.configure({
    "nixos-fleet:vms": vms.map((name) => ({ name })),
    "nixos-fleet:waves": [
      { name: "canary", vms: ["dev-canary"] },
      { name: "rest", rest: true },
    ],
    "nixos-fleet:deletionProtection": false,
  });
  const first = await program.run("up");
  expect(first.exitCode, first.text).toBe(0);
  const before = { items: keys(), resources: counts(), descriptors: descriptors() };
  for (let rollout = 0; rollout < rollouts; rollout++) {
    const next = await program.commit();
    await chaos(percent, random.below(2 ** 31));
    const { exitCode, text } = await program.run("up");
    await chaos(0, 1);
    if (exitCode !== 0) {
      // What it says is Google's answer, or a gate's result: no stack trace, no bare "failed".
      expect(text).toMatch(/HTTP (429|500|503)|Error 4|Error 5|Chaos that was asked for|wave \w+:/);
      expect(text).not.toMatch(/\n\s+at .*\(.*:\d+:\d+\)/);
      const again = await program.run("up");
      expect(again.exitCode, again.text).toBe(0);
    }
    for (const vm of vms) expect(program.vms.runs(vm), `${vm} after rollout ${rollout + 1}`).toBe(next);
    expect(await program.changes()).toEqual({});
  }
  await program.cloud.operations.settled();
  expect({ items: keys(), resources: counts() }).toEqual({ items: before.items, resources: before.resources });
  expect(descriptors() - before.descriptors).toBeLessThan(10);
  expect(program.killGate()).toBe(false);
});

/** The keys of the project's metadata. */
function keys(): string[] {
  return (program.cloud.store.state.project.metadata.items ?? []).map(({ key }) => key).sort();
}

/** What there is, without operations, which Compute forgets by itself. */
function counts(): string[] {
  return Object.keys(program.cloud.store.state.resources).sort();
}
