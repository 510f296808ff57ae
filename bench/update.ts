/**
 * What the agent adds to an update: the same revisions on two machines of the local cloud, one by git, Nix and the switch alone, one by the
 * agent, which also verifies, tests the new agent, checks health and reports. The agent waits for `settle` seconds; that is its setting and
 * is taken off.
 */
import { renderTable } from "../cli/command-line/table";
import { Lab } from "../test/faults/lab";
import type { Vm } from "../test/faults/vm";
import { measureOn, type MachineCost } from "./machine/measure";
import { median } from "./statistics/median";

const runs = process.argv.includes("--quick") ? 3 : 7;
const settle = 1;
const target = "nixosConfigurations.dev-canary.config.system.build.toplevel";
const profile = "/nix/var/nix/profiles/system";

const commands = {
  node: "node -e 0",
  bare: `cd /etc/nixos && git pull --quiet && nix build --out-link /run/built .#${target} &&
    nix-env --profile ${profile} --set "$(readlink /run/built)" && ${profile}/bin/switch-to-configuration switch`,
  agent: `NIXOS_AUTO_UPDATE_SETTLE=${settle} nixos-auto-update run --by bench`,
} as const;
type Name = keyof typeof commands;

/** Each revision on both machines, in turn; the first warms the caches. */
async function measureAll(lab: Lab): Promise<Record<Name, MachineCost>[]> {
  const source = await lab.source();
  // Without waves: nothing is approved, so that only what is measured here updates them.
  const [bare, agent] = await Promise.all([lab.vm("bare", source), lab.vm("agent", source)]);
  const machines: Record<Name, Vm> = { node: bare, bare, agent };
  const costs: Record<Name, MachineCost>[] = [];
  for (let run = 0; run <= runs; run++) {
    await source.commit();
    const cost = async (name: Name) => measureOn(lab, machines[name], commands[name]);
    const found = { node: await cost("node"), bare: await cost("bare"), agent: await cost("agent") };
    for (const vm of [bare, agent])
      if ((await vm.sh("cat /etc/lab")) !== source.number) throw new Error(`${vm.name} does not run the new revision`);
    if (run > 0) costs.push(found);
  }
  return costs;
}

function print(costs: readonly Record<Name, MachineCost>[]): void {
  const of = (value: (cost: Record<Name, MachineCost>) => number) => median(costs.map(value));
  const node = of((cost) => cost.node.cpu);
  const row = (what: string, cost: (all: Record<Name, MachineCost>) => MachineCost) => {
    const cpu = of((all) => cost(all).cpu);
    const [wall, processes] = [of((all) => cost(all).wall), of((all) => cost(all).processes)];
    return [what, `${cpu.toFixed(2)} s`, (cpu / node).toFixed(1), `${wall.toFixed(2)} s`, String(processes)];
  };
  const rows = [
    row("Node, doing nothing", ({ node }) => node),
    row("git, nix, switch", ({ bare }) => bare),
    row("agent", ({ agent }) => agent),
    row("what the agent adds", ({ bare, agent }) => ({
      cpu: agent.cpu - bare.cpu,
      wall: agent.wall - settle - bare.wall,
      processes: agent.processes - bare.processes,
    })),
  ];
  for (const line of renderTable(["UPDATE", "CPU", "× NODE", "WALL", "PROCESSES"], rows, false)) console.log(line);
  console.log(
    `medians of ${runs} revisions; what the agent adds: of the differences, without the ${settle} s that it waits`,
  );
}

async function main(): Promise<void> {
  const lab = await Lab.open();
  try {
    print(await measureAll(lab));
  } finally {
    await lab.close();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
