/** Many revisions in a row, some broken at each stage, on two VMs that are killed and powered off as chance has it. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expectRuns } from "./expect-generation";
import { resume, inject } from "./interruption";
import { Lab } from "./lab";
import { Random } from "./random";
import { flaws, type Flaw, kept, type Source } from "./source";
import { patience } from "../setup/pace";
import type { Vm } from "./vm";

const revisions = process.env["NIXOS_FLEET_LONG"] === undefined ? 8 : 200;
const random = Random.seeded();
/** How many of ten revisions are good. */
const good = 6;
/** All but those that are good where there is room, and one that takes too long for so many revisions. */
const bad = (Object.keys(flaws) as Flaw[]).filter((flaw) => !["none", "slow", "big", "hangsHard"].includes(flaw)) as [
  Flaw,
  ...Flaw[],
];

let lab: Lab;
let source: Source;
let vms: Vm[];
const met: Record<string, number> = {};

beforeAll(async () => {
  console.log(`seed ${random.seed}`);
  lab = await Lab.open();
  source = await lab.source();
  vms = await Promise.all(["one", "two"].map((name) => lab.vm(name, source)));
}, patience(300));
afterAll(async () => {
  console.log(`revisions and interruptions: ${JSON.stringify(met)}`);
  await lab.close();
}, patience(60));

function count(what: string): void {
  met[what] = (met[what] ?? 0) + 1;
}

type Accident = "SIGKILL" | "power-off" | "reboot" | undefined;

/** What happens to a VM while it updates to a revision, drawn for both before either begins. */
function draw(): { accident: Accident; whom: "all" | "main"; after: number } {
  const accident = random.pick([undefined, undefined, "SIGKILL", "power-off", "reboot"] as const);
  return { accident, whom: random.pick(["all", "main"]), after: random.below(3000) };
}

async function live(vm: Vm, { accident, whom, after }: ReturnType<typeof draw>): Promise<void> {
  count(accident ?? "left alone");
  if (accident === undefined) return vm.update();
  await vm.begin();
  if (accident === "SIGKILL") await vm.hasRequester();
  await sleep(after);
  if (accident === "reboot") {
    await vm.reboot();
    return vm.recovered();
  }
  await inject(vm, accident, whom);
  return resume(vm, accident);
}

/** Every report on the way is whole, and what it says fits the revision. */
async function expectHonest(vm: Vm, flaw: Flaw): Promise<void> {
  const report = vm.report();
  const isGood = flaw === "none" || flaw === "slow";
  const expected = isGood ? { revision: await source.head(), rolledBack: false } : { outcome: "failed" };
  expect(report, `${flaw}\n${await vm.journal()}`).toMatchObject(expected);
}

it(`${revisions} revisions`, { timeout: patience(3 * 3600) }, async () => {
  for (let number = 0; number < revisions; number++) {
    const flaw = random.below(10) < good ? random.pick(["none", "slow"] as const) : random.pick(bad);
    count(flaw);
    const lives = vms.map(() => draw());
    await source.commit(flaw);
    await Promise.all(vms.map((vm, index) => live(vm, lives[index] ?? draw())));
    for (const vm of vms) await expectHonest(vm, flaw);
  }
});

it("ends with the last good revision on both", async () => {
  await source.commit();
  await Promise.all(vms.map((vm) => vm.update()));
  for (const vm of vms) await expectRuns(await vm.facts(), source);
});

it("has not let anything grow", async () => {
  for (const vm of vms) {
    // What no generation needs is garbage to Nix; nothing else keeps anything.
    await vm.sh("nix-store --gc");
    const { generations, systems, litter, locked } = await vm.facts();
    expect(locked).toBe(false);
    expect(generations).toBeLessThanOrEqual(kept);
    expect(systems).toBeLessThanOrEqual(kept + 1);
    expect(litter).toBeLessThan(40);
  }
});
