/**
 * What it costs to keep a fleet's state: a first `up` that writes no checkpoints, one with the file backend, and one with a bucket
 * (`gs://`). Real are the engine, its backends and the program. SIMULATED are the VMs, the provider (the local cloud's) and the bucket, in
 * memory, each of whose requests takes as long as is assumed of one to Google.
 */
import { resolve } from "node:path";
import { renderTable } from "../cli/command-line/table";
import { Program } from "../test/program/setup/program";
import { SimulatedBucket } from "./simulation/bucket";
import { childrenCpu } from "./statistics/children-cpu";

const quick = process.argv.includes("--quick");
const sizes = quick ? [10] : [10, 100, 300];
/** A fleet of 300 would take a quarter of an hour. */
const largestInBucket = 100;
/** Milliseconds of a request to the bucket: as to Google, or where only the way is to be tried. */
const latency = quick ? 5 : 50;

const backends = ["none", "file", "gs"] as const;
type Backend = (typeof backends)[number];

interface Row {
  size: number;
  backend: Backend;
  wall: number;
  cpu: number;
  /** Of an `up` that changes nothing. */
  unchanged: number;
  /** Megabytes of the state. */
  state: number;
  requests?: number;
  /** Megabytes. */
  written?: number;
}

async function timed(program: Program): Promise<{ wall: number; cpu: number }> {
  const [begun, used] = [performance.now(), childrenCpu()];
  const { exitCode, text } = await program.run("up");
  if (exitCode !== 0) throw new Error(text);
  return { wall: (performance.now() - begun) / 1_000, cpu: childrenCpu() - used };
}

async function measure(size: number, backend: Backend): Promise<Row> {
  const bucket = new SimulatedBucket(latency);
  const env = backend === "gs" ? await bucket.start() : {};
  const without = backend === "none" ? { PULUMI_EXPERIMENTAL: "1", PULUMI_SKIP_CHECKPOINTS: "1" } : {};
  const program = await Program.start("state", { directory: resolve(__dirname, ".."), env: { ...env, ...without } });
  try {
    program.configure({
      "nixos-fleet:vms": Array.from({ length: size }, (_, index) => ({ name: `dev-${index + 1}` })),
      "nixos-fleet:teams": { infra: ["group:infra@example.com"], developers: ["group:developers@example.com"] },
    });
    [bucket.requests, bucket.written] = [0, 0];
    const cost = await timed(program);
    const { requests, written } = bucket;
    const { wall: unchanged } = await timed(program);
    const { text } = await program.pulumi("stack", "export", "--stack", program.stack);
    const state = Buffer.byteLength(text) / 1e6;
    return {
      size,
      backend,
      ...cost,
      unchanged,
      state,
      ...(backend === "gs" ? { requests, written: written / 1e6 } : {}),
    };
  } finally {
    await program.stop();
    bucket.stop();
  }
}

async function main(): Promise<void> {
  const rows: Row[] = [];
  for (const size of sizes)
    for (const backend of backends)
      if (backend !== "gs" || size <= largestInBucket) rows.push(await measure(size, backend));
  const names = { none: "no checkpoints", file: "file", gs: `gs, ${latency} ms a request` };
  const cells = rows.map(({ size, backend, wall, cpu, unchanged, state, requests, written }) => {
    const bare = rows.find((one) => one.size === size && one.backend === "none");
    return [
      String(size),
      names[backend],
      `${wall.toFixed(1)} s`,
      bare === undefined || backend === "none" ? "" : `+${(wall - bare.wall).toFixed(1)} s`,
      `${cpu.toFixed(1)} s`,
      `${unchanged.toFixed(1)} s`,
      `${state.toFixed(2)} MB`,
      requests === undefined ? "" : `${requests}, ${(written ?? 0).toFixed(0)} MB`,
    ];
  });
  const header = [
    "VMS",
    "BACKEND",
    "FIRST UP",
    "OF CHECKPOINTS",
    "CPU",
    "UP, NOTHING TO DO",
    "STATE",
    "REQUESTS, WRITTEN",
  ];
  console.log(renderTable(header, cells, false).join("\n"));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
