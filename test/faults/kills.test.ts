/** Ended anywhere: the agent killed and the VM powered off, at every stage of an update and at random points. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectComplete, expectRuns } from "./expect-generation";
import type { Facts } from "./facts";
import { type Interruption, resume, reach, stagesOf, inject } from "./interruption";
import { Random } from "./random";
import type { Flaw } from "./source";
import { FaultResults } from "./fault-results";
import { patience as limit } from "../setup/pace";
import { type Lease, VmPool } from "./vm-pool";

const long = process.env["NIXOS_FLEET_LONG"] !== undefined;
/** At each stage. */
const times = long ? 5 : 1;
const random = Random.seeded();
const results = new FaultResults();
let pool: VmPool;

const everyStage = ["fetching", "verifying", "building", "switching", "checking health", "keeping", "rolling back"];

interface Point {
  /** Where in the trace; anywhere if absent. */
  stage?: string;
  flaw: Flaw;
}

/** All stages that the updates to a good and to a bad revision go through. */
const points: Point[] = [];

beforeAll(async () => {
  console.log(`seed ${random.seed}`);
  pool = await VmPool.open(3);
  await pool.use(async ({ vm, source }) => {
    for (const flaw of ["slow", "slowThenFails"] as const) {
      await source.commit(flaw);
      for (const stage of await stagesOf(vm)) points.push({ stage, flaw });
    }
  });
}, limit(300));
afterAll(async () => {
  console.log(results.table());
  await pool.close();
}, limit(60));

/** How often an interruption may come too late: the update is over, and the try counts for nothing. */
const patience = 5;

/** Interrupts one update to a revision, and checks that the next update completes it. */
async function interruptUpdate(lease: Lease, interruption: Interruption, point: Point): Promise<void> {
  for (let late = 0; late < patience; late++) {
    const before = await lease.vm.facts();
    await lease.source.commit(point.flaw);
    await reach(lease.vm, point.stage, random.below(point.stage === undefined ? 2500 : 300));
    const hit = await inject(lease.vm, interruption, random.pick(["all", "main"]));
    await resume(lease.vm, interruption);
    await expectSettled(lease, point.flaw, before);
    if (hit) return;
  }
  throw new Error(`${patience} times the update was over before the ${interruption}`);
}

/** A good revision runs, a bad one was refused, and the next good one deploys. */
async function expectSettled({ vm, source }: Lease, flaw: Flaw, before: Facts): Promise<void> {
  const facts = await vm.facts();
  if (flaw === "slow") {
    await expectRuns(facts, source);
    expect(vm.report()).toMatchObject({ revision: await source.head(), rolledBack: false });
    expect(["updated", "unchanged"]).toContain(vm.report().outcome);
    return;
  }
  expectComplete(facts);
  expect(facts.number).toBe(before.number);
  expect(vm.report()).toMatchObject({ outcome: "failed", stage: "switch", rolledBack: true });
  await source.commit();
  await vm.update();
  await expectRuns(await vm.facts(), source);
}

/** Several tries at once, as many as there are VMs; throws all that went wrong. */
async function all(tries: (() => Promise<void>)[]): Promise<void> {
  const failures = (await Promise.allSettled(tries.map((each) => each()))).flatMap((result) =>
    result.status === "rejected" ? [String(result.reason)] : [],
  );
  expect(failures.join("\n\n")).toBe("");
}

describe.each(["SIGKILL", "power-off"] as const)("%s", (interruption) => {
  const attempts = (point: Point, count = times) => {
    const where = point.stage === undefined ? "anywhere" : `while ${point.stage}`;
    const fault = `${interruption} ${where}${point.flaw === "slow" ? "" : ", of a bad revision"}`;
    return Array.from(
      { length: count },
      () => () => pool.use((lease) => results.count(fault, () => interruptUpdate(lease, interruption, point))),
    );
  };

  it("at every stage", async () => {
    const stages = points.map(({ stage }) => stage);
    expect(stages).toEqual(expect.arrayContaining(everyStage));
    await all(
      points.filter(({ stage, flaw }) => flaw === "slow" || isPastSwitch(stage)).flatMap((point) => attempts(point)),
    );
  });

  it.runIf(long)("anywhere", async () => {
    await all((["slow", "slowThenFails"] as const).flatMap((flaw) => attempts({ flaw }, 3 * times)));
  });
});

it("an update that is killed goes on with no one asking", () =>
  pool.use(({ vm, source }) =>
    results.count("SIGKILL while building, and no one asks", async () => {
      await source.commit("slow");
      await reach(vm, "building", 0);
      expect(await inject(vm, "SIGKILL", "all")).toBe(true);
      await vm.until("it went on by itself", `grep -qx ${source.number} /etc/lab`, 90);
      await vm.idle();
      await expectRuns(await vm.facts(), source);
    }),
  ));

it("a power-off within a switch that hangs leaves a machine that boots", () =>
  pool.use(({ vm, source }) =>
    results.count("power-off within a switch that hangs", async () => {
      const before = await vm.facts();
      await source.commit("hangs");
      await reach(vm, "switching", 1500);
      expect(await inject(vm, "power-off", "all")).toBe(true);
      await resume(vm, "power-off");
      const is = await vm.facts();
      expectComplete(is);
      expect(is).toMatchObject({ booted: before.current, current: before.current });
      expect(vm.report()).toMatchObject({ outcome: "failed", stage: "switch", rolledBack: true });
      await source.commit();
      await vm.update();
      await expectRuns(await vm.facts(), source);
    }),
  ));

/** Until its switch a bad revision is like a good one. */
function isPastSwitch(stage: string | undefined): boolean {
  const bad = points.filter(({ flaw }) => flaw !== "slow").map((point) => point.stage);
  return bad.indexOf(stage) >= bad.indexOf("switching");
}
