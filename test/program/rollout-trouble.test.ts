/** Rollouts that something else than their revision disturbs: kills, Ctrl-C, an API that does not answer, VMs that come and go, renamed waves. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { approvalKey, controlKey, short } from "../../rules/contract";
import { patience } from "../setup/pace";
import { until as wait } from "../setup/until";
import { upEnds } from "./setup/outcome";
import { Program } from "./setup/program";

const canary = ["dev-1"];
const rest = ["dev-2", "dev-3"];

let program: Program;
beforeAll(async () => {
  program = await Program.start("trouble");
  configure();
  await up();
});
afterAll(() => program.stop());

function configure({ vms = [...canary, ...rest], names = ["canary", "rest"], timeout = "2m" } = {}): void {
  program.configure({
    "nixos-fleet:deletionProtection": "false",
    "nixos-fleet:bootTimeout": "2m",
    "nixos-fleet:vms": vms.map((name) => ({ name })),
    "nixos-fleet:waves": [
      { name: names[0], vms: canary, timeout },
      { name: names[1], rest: true, timeout },
    ],
  });
}

const up = (ends?: "well" | "badly") => upEnds(program, ends);

const until = (what: string, holds: () => boolean) => wait(what, 90, holds);

/** Begins an `up` and waits until a wave's gate waits for a VM that is silent. */
async function upTo(wave: string, silent: string, begin = () => program.up()) {
  program.vms.silent.add(silent);
  const begun = begin();
  await until(`the gate of ${wave} waits`, () => begun.said().includes(`wave ${wave}: waiting for`));
  return begun;
}

function speak(vm: string): void {
  program.vms.silent.delete(vm);
  program.vms.look();
}

const runs = (vms: readonly string[]) => vms.map((vm) => program.vms.runs(vm));
const all = (revision: string, vms: readonly string[] = [...canary, ...rest]) => vms.map(() => revision);

it("goes on after its gate was killed, and no later wave moved meanwhile", async () => {
  const [good, next] = [await program.head(), await program.commit()];
  const begun = await upTo("canary", "dev-1");
  expect(program.killGate()).toBe(true);
  const { exitCode } = await begun.ended;
  expect(exitCode).not.toBe(0);
  expect(program.approved("rest")).toBe(good);
  expect(program.item("nixos-fleet--devs--trouble----control")).toBeUndefined();

  speak("dev-1");
  await up();
  expect(runs([...canary, ...rest])).toEqual(all(next));
});

it("ends at once by Ctrl-C, leaves no gate behind, takes nothing back, and the next up goes on", async () => {
  const [good, next] = [await program.head(), await program.commit()];
  const begun = await upTo("canary", "dev-1", () => program.upInProcesses());
  const pressed = Date.now();
  begun.interrupt();
  const { exitCode, text } = await begun.ended;
  expect(exitCode, text).not.toBe(0);
  // The command provider kills the gate's shell and waits for every process that holds its output. Alone it takes a second; the gate's own timeout is 2 minutes.
  expect(Date.now() - pressed).toBeLessThan(patience(5));
  expect(program.killGate()).toBe(false);
  expect(program.approved("canary")).toBe(next);
  expect(program.approved("rest")).toBe(good);
  expect(program.item("nixos-fleet--devs--trouble----control")).toBeUndefined();

  speak("dev-1");
  await up();
  expect(runs([...canary, ...rest])).toEqual(all(next));
});

it.each(["503", "network"] as const)("outlasts an outage (%s) while a gate waits", async (kind) => {
  const next = await program.commit();
  const begun = await upTo("canary", "dev-1");
  const over = program.outage(kind);
  await until("the gate says so", () => begun.said().includes("the Compute API does not answer"));
  speak("dev-1");
  over();
  const { exitCode, text } = await begun.ended;
  expect(exitCode, text).toBe(0);
  expect(text).toContain("the Compute API answers again");
  expect(runs([...canary, ...rest])).toEqual(all(next));
});

it("fails for a VM that goes silent, by name, and passes once it answers", async () => {
  const next = await program.commit();
  program.vms.silent.add("dev-3");
  configure({ timeout: "5s" });
  expect(await up("badly")).toMatch(/dev-3 +failed +after .*did not answer within 5 s/);
  // A hold that a gate put is about this revision, and its VMs were never asked to refuse it.
  expect((await program.fleet("retry", next)).exitCode).toBe(0);
  speak("dev-3");
  configure();
  await up();
  expect(runs([...canary, ...rest])).toEqual(all(next));
});

it("does not wait for a VM that is deleted or stopped meanwhile", async () => {
  const next = await program.commit();
  program.vms.silent.add("dev-2");
  const begun = await upTo("rest", "dev-3");
  await program.instance("dev-2", "stop");
  await until("dev-2 is deferred", () => begun.said().includes("dev-2  deferred"));
  await program.instance("dev-3", "delete");
  const { exitCode, text } = await begun.ended;
  expect(exitCode, text).toBe(0);
  expect(text).toContain("dev-3  deleted: not counted any more");
  expect(text).toContain("is stopped (TERMINATED)");

  // It blocks nothing when it is removed from the configuration too, and VMs that were stopped catch up.
  program.vms.silent.clear();
  configure({ vms: ["dev-1", "dev-2"] });
  expect((await program.run("refresh")).exitCode).toBe(0);
  await up();
  await program.instance("dev-2", "start");
  await until("dev-2 catches up", () => program.vms.runs("dev-2") === next);
});

it("has a VM that is new in the middle of a halted rollout start at what its wave is approved for", async () => {
  const [good, bad] = [await program.head(), await program.commit()];
  program.vms.fails = (vm, revision) =>
    revision === bad ? { stage: "build", error: `${vm} does not build` } : undefined;
  await up("badly");
  configure();
  const failed = await up("badly");
  expect(failed).toContain(`fleet retry ${bad}`);
  await until("dev-3 is there", () => program.vms.runs("dev-3") !== undefined);
  expect(program.vms.runs("dev-3")).toBe(good);

  const fixed = await program.commit();
  await up();
  expect(runs([...canary, ...rest])).toEqual(all(fixed));
});

it("goes on after pulumi was killed: pulumi cancel takes the lock that it left", async () => {
  const next = await program.commit();
  const begun = await upTo("canary", "dev-1", () => program.upInProcesses());
  begun.interrupt("SIGKILL");
  await begun.ended;
  speak("dev-1");
  expect(await up("badly")).toContain("the stack is currently locked by 1 lock(s)");
  const cancelled = await program.pulumi("cancel", "--yes", "--stack", program.stack);
  expect(cancelled.exitCode, cancelled.text).toBe(0);
  await up();
  expect(runs([...canary, ...rest])).toEqual(all(next));
});

it("has Pulumi's state again from an older version of its file, and an update moves no VM", async () => {
  const older = readFileSync(program.stateFile);
  const next = await program.commit();
  await up();
  writeFileSync(program.stateFile, older);
  const before = structuredClone([...program.vms.tried]);
  expect((await program.run("refresh")).exitCode).toBe(0);
  await up();
  expect([...program.vms.tried]).toEqual(before);
  expect(runs([...canary, ...rest])).toEqual(all(next));
});

it("has its config repository again from a clone, and an update changes nothing", async () => {
  const clone = join(program.scratch, "clone");
  await execa("git", ["clone", "--quiet", program.repository, clone]);
  renameSync(program.repository, `${program.repository}-lost`);
  expect(await up("badly")).toContain("nixos-fleet:resolveFrom: ");
  await execa("git", ["init", "--quiet", "--initial-branch=main", program.repository]);
  await execa("git", ["config", "receive.denyCurrentBranch", "updateInstead"], { cwd: program.repository });
  await execa("git", ["push", "--quiet", program.repository, "origin/main:refs/heads/main"], { cwd: clone });
  expect(await program.changes()).toEqual({});
});

it("has what someone edited by hand in the metadata again", async () => {
  const approval = approvalKey("devs", program.stack, "rest");
  const before = program.item(approval);
  const { metadata } = program.cloud.store.state.project;
  const others = (metadata.items ?? []).filter(({ key }) => key !== approval);
  metadata.items = [...others, { key: approval, value: "{" }, { key: controlKey("devs", program.stack), value: "{" }];
  expect((await program.fleet("status")).text).toMatch(/control item is not readable/);
  expect((await program.fleet("resume", "--all")).exitCode).toBe(0);
  expect((await program.run("refresh")).exitCode).toBe(0);
  await up();
  expect(program.item(approval)).toBe(before);
});

it("moves no one when waves are renamed, and refuses that for one that a person holds", async () => {
  const head = await program.head();
  const before = structuredClone([...program.vms.tried]);
  expect((await program.fleet("hold", "--wave", "rest", "--why", "demo")).exitCode).toBe(0);
  configure({ names: ["first", "others"] });
  expect(await up("badly")).toMatch(/wave "rest" is held by .*: demo; .* before it is renamed or removed/);
  expect(program.approved("rest")).toBe(head);

  expect((await program.fleet("resume", "--wave", "rest")).exitCode).toBe(0);
  await up();
  expect([...program.vms.tried]).toEqual(before);
  expect([program.approved("canary"), program.approved("rest")]).toEqual([undefined, undefined]);
  expect([program.approved("first"), program.approved("others")]).toEqual([head, head]);
  const next = await program.commit();
  expect(await up()).toContain(`wave others runs ${short(next)}: 2 succeeded`);
});
