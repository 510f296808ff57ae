/**
 * The memory of what runs all the time on a machine: the watcher, which holds one request to the metadata server, beside a Node that holds
 * the same request. Private memory is what would be free without it: Private_* of /proc/PID/smaps_rollup.
 */
import { renderTable } from "../cli/command-line/table";
import { contract } from "../rules/contract";
import { Lab } from "../test/faults/lab";
import type { Vm } from "../test/faults/vm";

const other = "bench-node";
const script = `require("http").get({ host: "169.254.169.254", headers: { "Metadata-Flavor": "Google" },
  path: "/computeMetadata/v1/project/attributes/?recursive=true&wait_for_change=true&last_etag=0" }, (answer) => answer.resume());
  setInterval(() => undefined, 60000);`;

interface Program {
  name: string;
  /** Bytes. */
  memory: number;
}

/** All processes of a service, each with its private memory. */
async function programsOf(vm: Vm, service: string): Promise<Program[]> {
  const printed = await vm.sh(`
    below() { for pid in $(cat /proc/$1/task/$1/children); do echo $pid; below $pid; done; }
    main=$(systemctl show ${service} --property=MainPID --value)
    for pid in $main $(below $main); do
      echo "$(cat /proc/$pid/comm) $(awk '/^Private_/ { sum += $2 } END { print sum }' /proc/$pid/smaps_rollup)"
    done`);
  return printed.split("\n").map((line) => {
    const [name = "", kilobytes = ""] = line.split(" ");
    return { name, memory: Number(kilobytes) * 1024 };
  });
}

/** Waits until the watcher has looked and holds its request. */
async function expectRequest(vm: Vm): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await programsOf(vm, contract.units.watch)).some(({ name }) => name === "curl")) return;
    await new Promise((later) => setTimeout(later, 500));
  }
  throw new Error("the watcher holds no request");
}

const sum = (programs: readonly Program[]) => programs.reduce((all, { memory }) => all + memory, 0);
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

async function main(): Promise<void> {
  const lab = await Lab.open();
  try {
    const vm = await lab.vm("watched", await lab.source());
    await expectRequest(vm);
    await vm.sh(`systemd-run --quiet --unit=${other} node -e '${script}'`);
    await new Promise((later) => setTimeout(later, 5000));
    const [watcher, node] = [await programsOf(vm, contract.units.watch), await programsOf(vm, other)];
    const row = (what: string, programs: readonly Program[]) => {
      const each = programs.map(({ name, memory }) => `${name} ${megabytes(memory)}`).join(", ");
      return [what, megabytes(sum(programs)), (sum(programs) / sum(watcher)).toFixed(1), each];
    };
    const rows = [row("watcher", watcher), row("Node with the same request", node)];
    for (const line of renderTable(["RESIDENT", "PRIVATE", "× WATCHER", "PROCESSES"], rows, false)) console.log(line);
  } finally {
    await lab.close();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
