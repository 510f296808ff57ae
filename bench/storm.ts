/**
 * 1,000 VMs that a schedule boots at 8:00: how many requests a second reach the git server, the binary cache and the metadata server at
 * most, where each VM waits as the agent's own rule says and where none waits; and how long a git server that answers only so many a second
 * keeps them. SIMULATED are the VMs, their boots, and servers that answer at once: what is real are the rule (`bootSpread`), the delay of the
 * agent's retries (`retryDelay`), and the requests of each VM, which are git's and the agent's own.
 */
import { retryDelay } from "../rules/decision/retry-delay";
import { renderTable } from "../cli/command-line/table";
import { bootSpread } from "../rules/decision/boot-spread";
import { gitRequests } from "./simulation/git-requests";
import { median } from "./statistics/median";

const vms = 1_000;
const runs = process.argv.includes("--quick") ? 5 : 25;
/** Seconds after the boot at which the timer fires (the modules' default of `onBoot`), and by which systemd may be late (`AccuracySec`). */
const [onBoot, accuracy] = [300, 1];
/** Seconds that a VM takes longer than the fastest to get to its timers. */
const bootDifference = 2;
/** Of a check: `./scripts/bench no-op` counts them. */
const metadataRequests = 3;
/** Store paths of an update that the cache has: a narinfo and an archive each. Nix asks for so many at once. */
const [paths, atOnce] = [60, 25];
/** Seconds that a request for an archive takes, and one to the git server. */
const [archive, git] = [0.4, 0.1];
/** Requests a second that a small git server answers; it refuses the others. */
const gitLimit = 100;

const servers = ["metadata", "git", "cache"] as const;
type Server = (typeof servers)[number];

/** Requests by second since the boot. */
class Load {
  private readonly seconds = new Map<number, number>();
  add(at: number, count = 1): number {
    const second = Math.floor(at);
    const sum = (this.seconds.get(second) ?? 0) + count;
    this.seconds.set(second, sum);
    return sum;
  }
  get peak(): number {
    return Math.max(0, ...this.seconds.values());
  }
}

interface Storm {
  peaks: Record<Server, number>;
  /** Runs that the git server refused. */
  refused: number;
  /** Seconds from the first timer to the last VM's last request. */
  lasted: number;
}

interface Setup {
  /** Whether VMs wait as the agent does. */
  spread: boolean;
  /** Whether there is an update, which all fetch, or each VM only asks whether there is one. */
  update: boolean;
  limit: number;
  requests: { check: number; fetch: number };
}

function storm({ spread, update, limit, requests }: Setup): Storm {
  const load = { metadata: new Load(), git: new Load(), cache: new Load() };
  let [refused, last] = [0, onBoot];
  /** Runs of the agent that are to come, the earliest first. */
  const due = Array.from({ length: vms }, (_, index) => {
    const fires = onBoot + bootDifference * Math.random() + accuracy * Math.random();
    // What tells a boot from others: the VM's name, and when it booted.
    const boot = `dev-${index} ${Math.random()}`;
    return { at: fires + (spread ? bootSpread(boot, fires) : 0), tries: 0 };
  });
  while (due.length > 0) {
    due.sort((a, b) => b.at - a.at);
    const run = due.pop();
    if (run === undefined) break;
    load.metadata.add(run.at, metadataRequests);
    const asked = requests.check + (update ? requests.fetch : 0);
    let [at, answered] = [run.at, true];
    for (let count = 0; answered && count < asked; count++, at += git) answered = load.git.add(at) <= limit;
    last = Math.max(last, at);
    if (!answered) {
      refused += 1;
      due.push({ at: at + retryDelay(run.tries, 15, Math.random()), tries: run.tries + 1 });
      continue;
    }
    if (!update) continue;
    for (let left = paths; left > 0; left -= atOnce, at += archive) load.cache.add(at, 2 * Math.min(left, atOnce));
    last = Math.max(last, at);
  }
  const peaks = Object.fromEntries(servers.map((server) => [server, load[server].peak])) as Record<Server, number>;
  return { peaks, refused, lasted: last - onBoot };
}

async function main(): Promise<void> {
  const requests = await gitRequests();
  const cases: [string, Omit<Setup, "spread" | "requests">][] = [
    ["nothing new", { update: false, limit: Infinity }],
    ["an update", { update: true, limit: Infinity }],
    [`an update, git server of ${gitLimit} a second`, { update: true, limit: gitLimit }],
  ];
  const rows = cases.flatMap(([what, setup]) =>
    [false, true].map((spread) => {
      const all = Array.from({ length: runs }, () => storm({ ...setup, spread, requests }));
      const of = (value: (one: Storm) => number) => median(all.map(value)).toFixed(0);
      const peaks = servers.map((server) => of(({ peaks }) => peaks[server]));
      return [
        what,
        spread ? "as the agent waits" : "none",
        ...peaks,
        of(({ refused }) => refused),
        `${of(({ lasted }) => lasted)} s`,
      ];
    }),
  );
  const header = ["1,000 BOOTS AT 8:00", "JITTER", "METADATA /s", "GIT /s", "CACHE /s", "REFUSED RUNS", "OVER AFTER"];
  console.log(renderTable(header, rows, false).join("\n"));
  console.log(
    `\npeaks in one second, medians of ${runs} runs; git asks ${requests.check} times whether there is something new and ${requests.fetch} more to fetch it (counted over HTTP)`,
  );
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
