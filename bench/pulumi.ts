/**
 * What Pulumi's commands cost for a fleet, beside a program that declares the same instances and nothing else; and what a VM adds to the
 * stack. Real are the engine, its language host and both programs, run from their sources as people run them. SIMULATED are the provider
 * (the local cloud's) and the VMs, in memory: they answer an approval at once.
 */
import { join, resolve } from "node:path";
import { Program } from "../test/program/setup/program";
import { renderTable } from "../cli/command-line/table";
import { childrenCpu } from "./statistics/children-cpu";
import { medianBy } from "./statistics/median";

const quick = process.argv.includes("--quick");
/** Sizes at which everything is measured. */
const sizes = quick ? [10] : [10, 100];
/**
 * Sizes at which updates run without checkpoints, since the file backend writes the whole state at each step of an update; with `--quick` only
 * the preview of a new stack runs.
 */
const larger = quick ? [100] : [1_000];
const withoutCheckpoints = { PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" };
/** Pairs of runs, of which the one with the middle ratio is shown. */
const pairs = quick ? 1 : 3;

/** Seconds of a command: start to end, and CPU of all its processes, which is what a busy machine can compare. */
interface Cost {
  wall: number;
  cpu: number;
}

interface Row {
  what: string;
  size: number;
  ours: Cost;
  bare: Cost;
}

const namesOf = (size: number) => Array.from({ length: size }, (_, index) => `dev-${index + 1}`);

/** What the command takes. @throws with what it said, where it fails */
async function timed(program: Program, command: string): Promise<Cost> {
  const [begun, used] = [performance.now(), childrenCpu()];
  const { exitCode, text } = await program.run(command);
  if (exitCode !== 0) throw new Error(`pulumi ${command} ended with ${exitCode}:\n${text}`);
  return { wall: (performance.now() - begun) / 1000, cpu: childrenCpu() - used };
}

/** The two programs, each with a cloud of its own. */
class Pair {
  private constructor(
    readonly ours: Program,
    readonly bare: Program,
    private readonly size: number,
  ) {}

  static async start(size: number, env: Record<string, string> = {}): Promise<Pair> {
    process.env["BARE_INSTANCES"] = String(size);
    const ours = await Program.start("bench", { directory: resolve(__dirname, ".."), env });
    const bare = await Program.start("bare", { directory: join(__dirname, "bare"), env });
    const groups = ["group:infra@example.com", "group:oncall@example.com"];
    ours.configure({
      "nixos-fleet:vms": namesOf(size).map((name) => ({ name })),
      "nixos-fleet:waves": [
        { name: "canary", vms: ["dev-1"] },
        { name: "rest", rest: true },
      ],
      "nixos-fleet:teams": { infra: groups, developers: ["group:developers@example.com"] },
    });
    bare.configure({});
    return new Pair(ours, bare, size);
  }

  /** One command in both, in turns; the pair with the middle ratio of CPU. */
  async compare(what: string, command: string, times = pairs): Promise<Row> {
    const rows: Row[] = [];
    for (let run = 0; run < times; run++) {
      const ours = await timed(this.ours, command);
      const bare = await timed(this.bare, command);
      rows.push({ what, size: this.size, ours, bare });
    }
    const row = medianBy(rows, (one) => one.ours.cpu / one.bare.cpu);
    if (row === undefined) throw new Error("no run");
    return row;
  }

  async stop(): Promise<void> {
    await this.ours.stop();
    await this.bare.stop();
  }
}

/** Bytes of the exported state, and resources, that one VM of a fleet adds to a stack. */
async function perVm({ ours }: Pair, size: number): Promise<string> {
  const { text } = await ours.pulumi("stack", "export", "--stack", ours.stack);
  const { resources } = (JSON.parse(text) as { deployment: { resources: { urn: string }[] } }).deployment;
  const own = resources.filter(({ urn }) => /-dev-\d+/.test(urn));
  const bytes = own.reduce((sum, one) => sum + Buffer.byteLength(JSON.stringify(one)), 0);
  return `a VM of ${size} has ${(own.length / size).toFixed(1)} resources and ${(bytes / size / 1000).toFixed(1)} kB of state`;
}

async function main(): Promise<void> {
  const rows: Row[] = [];
  const lines: string[] = [];
  for (const size of sizes) {
    const pair = await Pair.start(size);
    try {
      rows.push(await pair.compare("preview of a new stack", "preview"));
      rows.push(await pair.compare("first up", "up", 1));
      rows.push(await pair.compare("preview, nothing to do", "preview"));
      rows.push(await pair.compare("up, nothing to do", "up"));
      await pair.ours.commit();
      const { wall, cpu } = await timed(pair.ours, "up");
      const rollout = `up of a new revision to ${size} VMs in two waves: ${wall.toFixed(1)} s, ${cpu.toFixed(1)} s of CPU`;
      lines.push(rollout, await perVm(pair, size));
    } finally {
      await pair.stop();
    }
  }
  for (const size of larger) {
    const pair = await Pair.start(size, withoutCheckpoints);
    try {
      rows.push(await pair.compare("preview of a new stack", "preview"));
      if (quick) continue;
      rows.push(await pair.compare("first up, no checkpoints", "up", 1));
      rows.push(await pair.compare("preview, nothing to do", "preview"));
      rows.push(await pair.compare("up, nothing to do, no checkpoints", "up"));
    } finally {
      await pair.stop();
    }
  }
  const cells = rows.map(({ what, size, ours, bare }) => [
    what,
    String(size),
    ...[ours, bare].flatMap(({ wall, cpu }) => [`${wall.toFixed(1)} s`, `${cpu.toFixed(1)} s`]),
    (ours.cpu / bare.cpu).toFixed(2),
  ]);
  const header = ["COMMAND", "VMS", "FLEET", "CPU", "BARE", "CPU", "CPU RATIO"];
  console.log(renderTable(header, cells, process.stdout.isTTY).join("\n"));
  console.log(["", ...lines].join("\n"));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
