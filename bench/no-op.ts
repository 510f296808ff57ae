/**
 * What a check costs that finds nothing new, side by side on one machine of the local cloud: the agent in both of its modes, a script
 * that does what such updaters have always done (pull, build, switch), and a plain `nix build` of the same target.
 *
 * CPU and processes are the whole machine's, by its control group and its process numbers, less what the same measurement says of a
 * command that does nothing. Requests, connections and bytes are counted at the servers.
 */
import type net from "node:net";
import { renderTable } from "../cli/command-line/table";
import { Lab } from "../test/faults/lab";
import type { Source } from "../test/faults/source";
import type { Vm } from "../test/faults/vm";
import { measureOn, type MachineCost } from "./machine/measure";
import { median } from "./statistics/median";

const runs = process.argv.includes("--quick") ? 3 : 11;
const target = "nixosConfigurations.dev-canary.config.system.build.toplevel";
const profile = "/nix/var/nix/profiles/system";
/** As the VM's own schedule asks: that may go to the branch's head, so where the VM follows the branch the git server is asked, too. */
const check = "nixos-auto-update run --trigger schedule --by bench";

/** Name → [VM, command]. The original modules ran the third at every boot. */
const candidates = {
  nothing: ["branch", "true"],
  "Node, doing nothing": ["approved", "node -e 0"],
  "agent, follow: approved": ["approved", check],
  "agent, follow: branch": ["branch", check],
  "pull, build, switch": [
    "branch",
    `cd /etc/nixos && git pull --quiet && nix build --out-link /run/built .#${target} &&
     nix-env --profile ${profile} --set "$(readlink /run/built)" && ${profile}/bin/switch-to-configuration switch`,
  ],
  "nix build, evaluated before": ["branch", `cd / && nix build --no-link git+file:///etc/nixos#${target}`],
  "nix build, evaluating": [
    "branch",
    `cd / && nix build --no-link --option eval-cache false git+file:///etc/nixos#${target}`,
  ],
} as const;
type Candidate = keyof typeof candidates;

/** What one run cost; bytes as the VM sees them. */
interface Cost extends MachineCost {
  requests: number;
  connections: number;
  received: number;
  sent: number;
}

/** What went through the way to the git server. */
const git = { connections: 0, received: 0, sent: 0 };

/** Lets a repository be reached by another port, where what goes through is counted; answers its URL there. */
async function countGit(lab: Lab, source: Source): Promise<string> {
  const { port, pathname } = new URL(source.url);
  const counted = 9000;
  const pass = async (client: net.Socket) => {
    const server = await lab.dial(Number(port));
    git.connections++;
    client.on("data", (bytes) => (git.sent += bytes.length));
    server.on("data", (bytes) => (git.received += bytes.length));
    client.on("error", () => server.destroy());
    server.on("error", () => client.destroy());
    client.pipe(server).pipe(client);
  };
  await lab.listen(counted, (client) => void pass(client));
  return `git://git.internal:${counted}${pathname}`;
}

async function measure(lab: Lab, vm: Vm, command: string): Promise<Cost> {
  const before = { git: { ...git }, asked: { ...lab.asked } };
  const cost = await measureOn(lab, vm, command);
  // A connection's bytes are known when it has ended.
  await new Promise((later) => setTimeout(later, 200));
  return {
    ...cost,
    requests: lab.asked.requests - before.asked.requests,
    connections: git.connections - before.git.connections,
    received: lab.asked.sent - before.asked.sent + git.received - before.git.received,
    sent: lab.asked.received - before.asked.received + git.sent - before.git.sent,
  };
}

/** Measures the candidates in turn, so that other load on the host affects all of them; the first round warms the caches. */
async function measureAll(lab: Lab, vms: Record<string, Vm>): Promise<Map<Candidate, Cost[]>> {
  const costs = new Map<Candidate, Cost[]>();
  for (let run = 0; run <= runs; run++) {
    for (const [name, [where, command]] of Object.entries(candidates)) {
      const vm = vms[where];
      if (vm === undefined) throw new Error(`no VM ${where}`);
      const cost = await measure(lab, vm, command);
      if (run > 0) costs.set(name as Candidate, [...(costs.get(name as Candidate) ?? []), cost]);
    }
  }
  return costs;
}

function print(costs: Map<Candidate, Cost[]>): void {
  const of = (name: Candidate, key: keyof Cost): number =>
    median((costs.get(name) ?? []).map((cost) => cost[key])) - (name === "nothing" ? 0 : of("nothing", key));
  const ratio = (name: Candidate, other: Candidate) => (of(name, "cpu") / of(other, "cpu")).toFixed(1);
  const rows = [...costs.keys()]
    .filter((name) => name !== "nothing")
    .map((name) => [
      name,
      `${of(name, "cpu").toFixed(3)} s`,
      ratio(name, "Node, doing nothing"),
      ratio(name, "agent, follow: approved"),
      ratio(name, "agent, follow: branch"),
      `${of(name, "wall").toFixed(2)} s`,
      String(of(name, "processes")),
      `${of(name, "requests")} + ${of(name, "connections")}`,
      `${of(name, "received")} / ${of(name, "sent")}`,
    ]);
  const header = [
    "NOTHING NEW",
    "CPU",
    "× NODE",
    "× APPROVED",
    "× BRANCH",
    "WALL",
    "PROCESSES",
    "METADATA + GIT",
    "BYTES IN / OUT",
  ];
  for (const line of renderTable(header, rows, false)) console.log(line);
  console.log(`medians of ${runs} runs each, one after the other, less those of a command that does nothing`);
}

async function main(): Promise<void> {
  const lab = await Lab.open();
  try {
    const source = await lab.source();
    const repository = await countGit(lab, source);
    const about = { repository, fleet: "devs", stack: "bench", wave: "all" };
    const approve = async () =>
      lab.tell("nixos-fleet--devs--bench--all", { revision: await source.head(), lock: source.lock });
    await approve();
    const [branch, approved] = await Promise.all([
      lab.vm("branch", source, about),
      lab.vm("approved", source, { ...about, follow: "approved" }),
    ]);
    for (const vm of [branch, approved]) await vm.sh("systemctl stop nixos-auto-update-watch.service");
    print(await measureAll(lab, { branch, approved }));
  } finally {
    await lab.close();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
