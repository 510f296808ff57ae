/**
 * A rollout to all VMs of a fleet: ours, against a loop over SSH that takes one VM after the other as deploy-rs does, and one that takes
 * ten at once as colmena does.
 *
 * On real machines of the local cloud all three make the machines do the same: fetch, build, activate, check. Ours is `pulumi up` with its
 * waves and gates, the loops are ssh(1). For larger fleets VMs are SIMULATED: they answer an approval after 2 to 8 s. Ours is real there,
 * the engine, the program, the gates and their requests (at 1,000 the gates alone, without the engine); the loops are computed from the same
 * times and from what a session of ssh(1) took on the real machines.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import pMap from "p-map";
import { approvalKey, contract } from "../rules/contract";
import { renderTable } from "../cli/command-line/table";
import { RolloutFleet } from "../test/e2e/rollout-fleet";
import { Program } from "../test/program/setup/program";
import { SimulatedFleet, takes } from "./simulation/fleet";
import { measure } from "./simulation/measure";
import { childrenCpu } from "./statistics/children-cpu";
import { medianBy } from "./statistics/median";

const quick = process.argv.includes("--quick");
/** Machines of the local cloud; none with --quick, since their first boots take minutes. */
const machines = quick ? 0 : 8;
/** Fleets that `pulumi up` rolls out to. */
const sizes = quick ? [50] : [50, 100];
/** A fleet whose gates are run without the engine: two minutes. */
const largest = quick ? [] : [1_000];
const width = 10;
/** Sessions that a loop opens for a VM: to copy a closure, and to activate it. deploy-rs opens more, to confirm. */
const sessions = 2;

interface Row {
  size: string;
  way: string;
  wall: number;
  /** Of the operator's machine. */
  cpu: number;
  calls: number;
}

/** What opening a session of ssh(1) costs: as measured on 2026-11-29, and again where there are machines. */
let session = { wall: 0.2, cpu: 0.08 };

/** What something takes, without what runs in this process. */
async function timed(run: () => Promise<unknown>): Promise<{ wall: number; cpu: number }> {
  const [begun, used] = [performance.now(), childrenCpu()];
  await run();
  return { wall: (performance.now() - begun) / 1_000, cpu: childrenCpu() - used };
}

/** The waves of a fleet: one VM, a tenth, the rest. */
function waves(names: readonly string[]): Record<string, readonly string[]> {
  const tenth = Math.max(1, Math.round(names.length / 10));
  return { canary: names.slice(0, 1), early: names.slice(1, 1 + tenth), rest: names.slice(1 + tenth) };
}

/** Seconds that a VM takes to apply what is approved: evenly spread, and the same for all ways. */
const applying = (vm: number) => takes[0] + (takes[1] - takes[0]) * ((vm * 0.618_034) % 1);

/** Loops over SSH with so many VMs at once, computed. */
function loop(size: number, atOnce: number): Row {
  const free = Array<number>(Math.min(atOnce, size)).fill(0);
  for (let vm = 0; vm < size; vm++) {
    const next = free.indexOf(Math.min(...free));
    free[next] = (free[next] ?? 0) + applying(vm) + sessions * session.wall;
  }
  const way = atOnce === 1 ? "ssh, one after the other" : `ssh, ${atOnce} at once`;
  return { size: `${size} simulated`, way, wall: Math.max(...free), cpu: size * sessions * session.cpu, calls: 0 };
}

/** `pulumi up` of a new revision, to VMs that take their time. */
async function withEngine(size: number): Promise<Row> {
  const program = await Program.start("rollout", { directory: resolve(__dirname, "..") });
  const names = Array.from({ length: size }, (_, index) => `dev-${index + 1}`);
  const members = waves(names);
  try {
    program.configure({
      "nixos-fleet:vms": names.map((name) => ({ name })),
      "nixos-fleet:waves": Object.entries(members).map(([name, vms]) => ({ name, vms })),
      "nixos-fleet:teams": { infra: ["group:infra@example.com"] },
    });
    await upOf(program);
    names.forEach((name) => program.vms.silent.add(name));
    const revision = await program.commit();
    const begun = new Set<string>();
    const stop = program.cloud.store.onChange(() => {
      for (const [wave, vms] of Object.entries(members)) {
        if (begun.has(wave) || program.approved(wave) !== revision) continue;
        begun.add(wave);
        for (const vm of vms)
          setTimeout(
            () => {
              program.vms.silent.delete(vm);
              program.vms.look();
            },
            applying(names.indexOf(vm)) * 1_000,
          );
      }
    });
    const calls = program.countRequests();
    const cost = await timed(() => upOf(program));
    stop();
    return { size: `${size} simulated`, way: "pulumi up, three waves", ...cost, calls: calls() };
  } finally {
    await program.stop();
  }
}

async function upOf(program: Program): Promise<void> {
  const { exitCode, text } = await program.run("up");
  if (exitCode !== 0) throw new Error(text);
}

/** The gates of a rollout to more VMs than the engine is waited for here. */
async function gatesAlone(size: number): Promise<Row> {
  const members = waves(Array.from({ length: size }, (_, index) => String(index)));
  const fleet = new SimulatedFleet(
    Object.fromEntries(Object.entries(members).map(([wave, vms]) => [wave, vms.length])),
  );
  const env = await fleet.start();
  const approval = { revision: randomBytes(20).toString("hex"), lock: "0".repeat(64) };
  const row = { size: `${size} simulated`, way: "gates of three waves", wall: 0, cpu: 0, calls: 0 };
  try {
    for (const wave of Object.keys(members)) {
      fleet.approve(wave, approval);
      const { wall, cpu } = await measure(["await", "--wave", wave], env);
      row.wall += wall;
      row.cpu += cpu;
    }
    return { ...row, calls: fleet.takeCalls() };
  } finally {
    fleet.stop();
  }
}

/** Approves a revision for a wave, as `pulumi up` would. */
async function approve(fleet: RolloutFleet, wave: string, revision: string): Promise<void> {
  const key = approvalKey("devs", "local", wave);
  await fleet
    .compute()
    .editProjectItem(key, ({ [key]: value = "{}" }) => JSON.stringify({ ...(JSON.parse(value) as object), revision }));
}

/** All three on real machines, whose first system has the key that the loops ask by. */
async function onMachines(): Promise<Row[]> {
  const fleet = new RolloutFleet("approved", machines);
  const key = join(fleet.state, "bench-key");
  let ports: Record<string, number> = {};
  const common = "BatchMode=yes StrictHostKeyChecking=no UserKnownHostsFile=/dev/null LogLevel=ERROR".split(" ");
  const ssh = (vm: string, ...args: string[]) => {
    const options = common.flatMap((option) => ["-o", option]);
    return execa("ssh", ["-i", key, "-p", String(ports[vm]), ...options, ...args, "fleet-trigger@127.0.0.1"], {
      // A client in the background would keep a pipe open.
      stdio: "ignore",
    });
  };
  try {
    await execa`ssh-keygen -q -t ed25519 -N ${""} -C bench -f ${key}`;
    const { stdout: publicKey } = await execa`cat ${`${key}.pub`}`;
    await fleet.start();
    await fleet.change("modules/common.nix", (text) =>
      text.replace("triggerKeys = [ ];", `triggerKeys = [ "${publicKey.trim()}" ];`),
    );
    await fleet.up();
    ports = JSON.parse(readFileSync(join(fleet.state, "ssh.json"), "utf8")) as Record<string, number>;
    const rows: Row[] = [];
    const row = (way: string, cost: { wall: number; cpu: number }) =>
      rows.push({ size: `${machines} machines`, way, ...cost, calls: NaN });
    const change = await fleet.commit();
    row("pulumi up, three waves", await timed(() => fleet.up()));
    await fleet.expectAll(change);
    for (const atOnce of [1, width]) {
      // Approved for all at once, and no watcher acts on it before the loop comes.
      const { revision } = await fleet.commit();
      for (const vm of fleet.all) await fleet.in(vm, `systemctl stop ${contract.units.watch}`);
      for (const wave of Object.keys(fleet.waves)) await approve(fleet, wave, revision);
      row(
        atOnce === 1 ? "ssh, one after the other" : `ssh, ${atOnce} at once`,
        await timed(() => pMap(fleet.all, (vm) => ssh(vm), { concurrency: atOnce })),
      );
      session = await sessionCost((...args) => ssh(fleet.all[0] ?? "", ...args), fleet.state);
      const status = await fleet.status();
      const behind = fleet.all.filter((vm) => status[vm]?.system?.revision !== revision);
      if (behind.length > 0) throw new Error(`${behind.join(", ")} did not get ${revision}`);
    }
    return rows;
  } finally {
    await fleet.down();
  }
}

/** What it takes to open a session, whatever is done in it then: the client goes to the background as soon as it is let in. */
async function sessionCost(ssh: (...args: string[]) => Promise<unknown>, folder: string): Promise<typeof session> {
  const all: (typeof session)[] = [];
  const socket = join(folder, "bench-ssh");
  for (let count = 0; count < 5; count++) {
    all.push(await timed(() => ssh("-f", "-N", "-M", "-S", socket)));
    await ssh("-S", socket, "-O", "exit");
  }
  return medianBy(all, ({ wall }) => wall) ?? session;
}

async function main(): Promise<void> {
  const rows: Row[] = machines === 0 ? [] : await onMachines();
  for (const size of sizes) rows.push(await withEngine(size), loop(size, 1), loop(size, width));
  for (const size of largest) rows.push(await gatesAlone(size), loop(size, 1), loop(size, width));
  const cells = rows.map(({ size, way, wall, cpu, calls }) => {
    const ours = rows.find((one) => one.size === size && !one.way.startsWith("ssh"));
    return [
      size,
      way,
      `${wall.toFixed(1)} s`,
      ours === undefined || way === ours.way ? "" : `${(wall / ours.wall).toFixed(1)} ×`,
      `${cpu.toFixed(1)} s`,
      Number.isNaN(calls) ? "" : String(calls),
    ];
  });
  const header = ["VMS", "WAY", "WALL", "OF OURS", "OPERATOR'S CPU", "API CALLS"];
  console.log(renderTable(header, cells, false).join("\n"));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
