/**
 * From an approval to the start of the first VM's update, on real machines of the local cloud: with the watcher, with an SSH trigger,
 * and with a timer that looks every 60 seconds, as updaters that pull do. An approval is written as Pulumi writes it; time counts from
 * the moment at which the API is asked to take it, and the start is systemd's of the update unit, by the same clock.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { approvalKey, contract } from "../rules/contract";
import { renderTable } from "../cli/command-line/table";
import { TestCloud, until } from "../test/e2e/cloud";

const quick = process.argv.includes("--quick");
const unit = `${contract.units.system}.service`;
const [vm, wave] = ["dev-canary", "canary"];

const cloud = new TestCloud();
const key = join(cloud.state, "trigger-key");

/** How updates are asked for: what is done once on the machine, before each approval (a switch starts the watcher again), and after. */
const ways: Record<string, { runs: number; once?: string; each: string; ask?: () => Promise<unknown> }> = {
  watcher: { runs: quick ? 3 : 15, each: `systemctl start ${contract.units.watch}` },
  "ssh trigger": { runs: quick ? 3 : 15, each: `systemctl stop ${contract.units.watch}`, ask: trigger },
  "60 s poll": {
    // Each takes up to a minute.
    runs: quick ? 0 : 15,
    once: `systemd-run --quiet --unit=bench-poll --on-active=1 --on-unit-active=60 --timer-property=AccuracySec=100ms systemctl start --no-block ${unit}`,
    each: `systemctl stop ${contract.units.watch}`,
  },
};

/** The two revisions that approvals go back and forth between, newest last. */
async function revisions(): Promise<{ revision: string; lock: string }[]> {
  const git = execa({ cwd: cloud.clone, stripFinalNewline: false });
  const { stdout } = await git`git rev-list --max-count=2 HEAD`;
  return Promise.all(
    stdout
      .trim()
      .split("\n")
      .map(async (revision) => {
        const { stdout: lock } = await git`git show ${`${revision}:flake.lock`}`;
        return { revision, lock: createHash("sha256").update(lock).digest("hex") };
      }),
  );
}

/** Writes the approval; when, in seconds since 1970, the API was asked to. */
async function approve(approval: object): Promise<number> {
  let asked = 0;
  await cloud.compute().editProjectItem(approvalKey("devs", "local", wave), () => {
    asked = Date.now() / 1_000;
    return JSON.stringify(approval);
  });
  return asked;
}

async function trigger(): Promise<unknown> {
  const ports = JSON.parse(readFileSync(join(cloud.state, "ssh.json"), "utf8")) as Record<string, number>;
  return cloud.shell(`./scripts/fleet trigger ${vm} --address ${vm}=127.0.0.1:${ports[vm] ?? 0} --identity ${key}`);
}

/** When the update unit was started first after a moment, in seconds since 1970; undefined where it was not yet. */
async function startAfter(moment: number): Promise<number | undefined> {
  const lines = await cloud.in(vm, `journalctl -u ${unit} -o short-unix --no-pager --since=@${Math.floor(moment)}`);
  const starts = lines.split("\n").filter((line) => /systemd\[\d+\]: Starting/.test(line));
  return starts.map((line) => Number(line.split(" ")[0])).find((at) => at > moment);
}

async function sample(approval: object, ask: (() => Promise<unknown>) | undefined): Promise<number> {
  const approved = await approve(approval);
  void ask?.();
  let started: number | undefined;
  await until(`${vm} started its update`, 90, async () => (started = await startAfter(approved)) !== undefined);
  await until("the update ended", 120, async () => (await cloud.property(vm, unit, "ActiveState")) !== "activating");
  return (started ?? NaN) - approved;
}

async function prepare(): Promise<void> {
  const up = await cloud.local("up");
  if (up.exitCode !== 0) throw new Error(up.text);
  await execa`ssh-keygen -q -t ed25519 -N ${""} -C bench -f ${key}`;
  const publicKey = readFileSync(`${key}.pub`, "utf8").trim();
  await cloud.change("modules/common.nix", (text) =>
    text.replace("triggerKeys = [ ];", `triggerKeys = [ "${publicKey}" ];`),
  );
  await cloud.bump();
  await cloud.up();
}

async function main(): Promise<void> {
  await prepare();
  const [newest, older] = await revisions();
  if (newest === undefined || older === undefined) throw new Error("the repository has one revision only");
  const rows: string[][] = [];
  let turn = 0;
  for (const [name, { runs, once, each, ask }] of Object.entries(ways)) {
    if (runs === 0) continue;
    if (once !== undefined) await cloud.in(vm, once);
    const took: number[] = [];
    for (let run = 0; run < runs; run++) {
      await cloud.in(vm, each);
      // At a moment of its own within the poll's minute.
      await new Promise((later) => setTimeout(later, 1_000 + (name === "60 s poll" ? Math.random() * 30_000 : 2_000)));
      took.push(await sample(turn++ % 2 === 0 ? older : newest, ask));
    }
    const sorted = took.sort((a, b) => a - b);
    const shown = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)].map(
      (time) => `${(time ?? NaN).toFixed(2)} s`,
    );
    rows.push([name, String(runs), ...shown]);
  }
  for (const line of renderTable(["APPROVAL → START", "RUNS", "LEAST", "MEDIAN", "MOST"], rows, false))
    console.log(line);
}

async function mainWithCloud(): Promise<void> {
  try {
    await main();
  } finally {
    await cloud.down();
  }
}

mainWithCloud().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
