/**
 * What a check costs that finds nothing new, side by side on one machine of the local cloud: the agent, a script that does what such
 * updaters have always done (pull, build, switch), and a plain `nix build` of the same target.
 *
 * The machine's configuration evaluates in a fraction of a second; a NixOS evaluation takes some 20 s. The other two evaluate at every
 * check and the agent never does, so the ratios here are far below those of a real fleet.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { processesOf, groupOf } from "../local/machines/cgroup";
import { cloudNames, machineNames } from "../local/machines/names";
import { renderTable } from "../control/table";
import { TestCloud } from "../test/e2e/cloud";

const vm = "dev-canary";
const runs = process.argv.includes("--quick") ? 3 : 11;

/** What one run cost. CPU and wall in seconds. */
interface Cost {
  cpu: number;
  wall: number;
  received: number;
  sent: number;
  connections: number;
  processes: number;
}

const candidates = {
  "agent, follow: approved": "nixos-auto-update run --trigger watch --by bench",
  "agent, follow: branch": "nixos-auto-update run --trigger watch --by bench",
  "pull, build, switch":
    "cd /etc/nixos && git pull --quiet && nix build --no-link .#$target && nix-env -p /nix/var/nix/profiles/system --set $(nix build --no-link --print-out-paths .#$target) && /nix/var/nix/profiles/system/bin/switch-to-configuration switch",
  "nix build": "cd / && nix build --no-link --option eval-cache false git+file:///etc/nixos#$target",
};
type Candidate = keyof typeof candidates;

const cloud = new TestCloud();

/** Seconds of CPU that a machine has used so far, all its processes together, those that have ended included. */
function cpuOf(name: string): number {
  const [first] = processesOf(machineNames(cloudNames(cloud.state), name).cgroup);
  if (first === undefined) throw new Error(`${name} does not run`);
  const group = groupOf(first).split(machineNames(cloudNames(cloud.state), name).cgroup)[0] ?? "";
  const stat = readFileSync(join(group, machineNames(cloudNames(cloud.state), name).cgroup, "cpu.stat"), "utf8");
  return Number(/^usage_usec (\d+)$/m.exec(stat)?.[1]) / 1e6;
}

/** The kernel's counters of a machine: bytes received and sent, connections opened, process numbers given out. */
const counters = `awk '/eth0:/ { print $2, $10 }' /proc/net/dev; awk '/^Tcp:/ && $6 ~ /[0-9]/ { print $6 }' /proc/net/snmp; cat /proc/sys/kernel/ns_last_pid`;

async function measure(command: string): Promise<Cost> {
  const target = `nixosConfigurations.${vm}.config.system.build.toplevel`;
  const before = cpuOf(vm);
  const printed = await cloud.in(
    vm,
    `target=${target}; one() { ${counters}; }; one; date +%s.%N; ( ${command} ) >/tmp/bench.log 2>&1 || { cat /tmp/bench.log; exit 1; }; date +%s.%N; one`,
  );
  const cpu = cpuOf(vm) - before;
  const [in0, out0, tcp0, pid0, start, end, in1, out1, tcp1, pid1] = printed.split(/\s+/).map(Number);
  const difference = (after: number | undefined, first: number | undefined) => (after ?? NaN) - (first ?? NaN);
  return {
    cpu,
    wall: difference(end, start),
    received: difference(in1, in0),
    sent: difference(out1, out0),
    connections: difference(tcp1, tcp0),
    processes: difference(pid1, pid0),
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function main(): Promise<void> {
  await cloud.local("up");
  const costs = Object.fromEntries(Object.keys(candidates).map((name) => [name, [] as Cost[]])) as Record<
    Candidate,
    Cost[]
  >;
  for (const follow of ["approved", "branch"]) {
    await cloud.configure(`nixos-fleet:follow ${follow}`);
    await cloud.up();
    const agent: Candidate = follow === "approved" ? "agent, follow: approved" : "agent, follow: branch";
    const side: Candidate[] = follow === "approved" ? [agent] : [agent, "pull, build, switch", "nix build"];
    // Once for nothing, so that each has its caches.
    for (const name of side) await measure(candidates[name]);
    for (let run = 0; run < runs; run++) for (const name of side) costs[name].push(await measure(candidates[name]));
  }
  const of = (name: Candidate, key: keyof Cost) => median(costs[name].map((cost) => cost[key]));
  const baseline: Candidate = "agent, follow: branch";
  const rows = (Object.keys(candidates) as Candidate[]).map((name) => [
    name,
    `${of(name, "cpu").toFixed(3)} s`,
    (of(name, "cpu") / of(baseline, "cpu")).toFixed(1),
    `${of(name, "wall").toFixed(2)} s`,
    String(of(name, "connections")),
    `${of(name, "received")} / ${of(name, "sent")}`,
    String(of(name, "processes")),
  ]);
  const header = ["NOTHING NEW", "CPU", "RATIO", "WALL", "CONNECTIONS", "BYTES IN / OUT", "PROCESSES"];
  for (const line of renderTable(header, rows, false)) console.log(line);
  console.log(`medians of ${runs} runs each, taken in turn`);
}

main()
  .finally(() => cloud.down())
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
