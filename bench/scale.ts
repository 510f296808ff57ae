/**
 * What a fleet's size costs the operator: one `fleet status`, and the gates of one rollout in three waves (1%, 10%, the rest), from 10
 * to 1,000 VMs. SIMULATED are the VMs and their agents, in memory behind the local cloud's API; the tool and its requests are real.
 */
import { randomBytes } from "node:crypto";
import { renderTable } from "../cli/command-line/table";
import { mostAtOnce } from "../cli/google/throttle";
import { measure, type CommandCost } from "./simulation/measure";
import { SimulatedFleet } from "./simulation/fleet";
import { medianBy } from "./statistics/median";

const sizes = process.argv.includes("--quick") ? [10, 100, 1_000] : [10, 30, 100, 300, 1_000];
const runs = process.argv.includes("--quick") ? 3 : 5;
/** Whether a rollout to so many is measured: one to 1,000 takes two minutes, most of which its gates wait to spare the quota. */
const rollsOut = (size: number) => !process.argv.includes("--quick") || size === 100;

/** Compute's usual quota of requests for guest attributes in a region, a minute, and what one takes from Europe: assumptions for the estimate, not measured here. */
const quota = 1_500;
const seconds = 0.15;

/** Seconds that so many requests would take there: sixteen at once, one more after each round of answers, as the throttle does it. */
function onGoogle(calls: number): number {
  let [rounds, left] = [0, calls];
  for (let width = 16; left > 0; width = Math.min(mostAtOnce, width + 1)) {
    left -= width;
    rounds += 1;
  }
  return rounds * seconds;
}

interface Row extends CommandCost {
  what: string;
  size: number;
  calls: number;
}

async function statusOf(fleet: SimulatedFleet, env: Record<string, string>, size: number): Promise<Row> {
  const all: Row[] = [];
  for (let run = 0; run < runs; run++) {
    fleet.takeCalls();
    const cost = await measure(["status", "--check", "--json"], env);
    all.push({ what: "status", size, calls: fleet.takeCalls(), ...cost });
  }
  const row = medianBy(all, ({ wall }) => wall);
  if (row === undefined) throw new Error("no run");
  return row;
}

async function rolloutOf(fleet: SimulatedFleet, env: Record<string, string>, size: number): Promise<Row> {
  const approval = { revision: randomBytes(20).toString("hex"), lock: "0".repeat(64) };
  const sum: Row = { what: "rollout", size, code: 0, calls: 0, wall: 0, cpu: 0, memory: 0 };
  for (const wave of ["canary", "early", "rest"]) {
    fleet.takeCalls();
    fleet.approve(wave, approval);
    const cost = await measure(["await", "--wave", wave], env);
    sum.calls += fleet.takeCalls();
    sum.wall += cost.wall;
    sum.cpu += cost.cpu;
    sum.memory = Math.max(sum.memory, cost.memory);
  }
  return sum;
}

async function main(): Promise<void> {
  const rows: Row[] = [];
  for (const size of sizes) {
    const [canary, early] = [Math.max(1, size / 100), Math.max(2, size / 10)];
    const fleet = new SimulatedFleet({ canary, early, rest: size - canary - early });
    const env = await fleet.start();
    try {
      if (rollsOut(size)) rows.push(await rolloutOf(fleet, env, size));
      else fleet.settle({ revision: randomBytes(20).toString("hex"), lock: "0".repeat(64) });
      rows.push(await statusOf(fleet, env, size));
    } finally {
      fleet.stop();
    }
  }
  const cells = rows.map(({ what, size, calls, wall, cpu, memory }) => [
    what,
    String(size),
    String(calls),
    `${wall.toFixed(2)} s`,
    `${cpu.toFixed(2)} s`,
    `${memory.toFixed(0)} MiB`,
    what === "status" ? `${onGoogle(calls).toFixed(1)} s, ${((100 * calls) / quota).toFixed(0)}%` : "",
  ]);
  const header = ["SIMULATED VMS", "VMS", "API CALLS", "WALL", "CPU", "MEMORY", "ON GOOGLE, OF A MINUTE'S QUOTA"];
  for (const line of renderTable(header, cells, false)) console.log(line);
  console.log(
    `./scripts/bench scale: medians of ${runs} runs of status, one rollout each, without the start of Node. The last column is an ` +
      `estimate: ${seconds * 1_000} ms a request, 16 to ${mostAtOnce} at once, ${quota} requests a minute`,
  );
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
