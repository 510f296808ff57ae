/** A system that waits for a boot, and a newer one whose activation is cut short. The machine is a stand-in: what it boots, and what its profile names. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { activate } from "../../../../agent/activation/activation";
import { dryRequest, type Driver } from "../../../../agent/driver";
import { attempt } from "../../../../agent/engine";
import { endTrial, readState, readTrial, writeState } from "../../../../agent/state";
import { stay } from "../../../../rules/decision/decision";
import { Scratch } from "../scratch";
import { standInDecision, standInDriver } from "../stand-in-driver";

const OLD = "/nix/store/old";
const A = { path: "/nix/store/a", revision: "a".repeat(40), lock: "a" };
const B = { path: "/nix/store/b", revision: "b".repeat(40), lock: "b" };

let scratch: Scratch;
let machine: { booted: string; runs: string; profile: string; boot: string };
let checked: string[];
let unhealthy: string;
/** The step at which the power is cut. */
let cutAt: "activate" | "health" | "back" | undefined;
/** Whether systems are set for the next boot only. */
let forBoot: boolean;

beforeEach(() => {
  scratch = new Scratch();
  scratch.fake("systemctl", "true");
  machine = { booted: OLD, runs: OLD, profile: OLD, boot: "1" };
  [checked, unhealthy, cutAt, forBoot] = [[], "", undefined, false];
  writeState(scratch.in("state"), { revision: "0".repeat(40), deployed: OLD, outcome: "updated" }, false);
});
afterEach(() => scratch.remove());

const cut = (at: typeof cutAt) => (cutAt === at ? Promise.reject(new Error("the power is cut")) : Promise.resolve());

const driver = (): Driver =>
  standInDriver(scratch, {
    look: () => Promise.resolve({ state: readState(scratch.in("state")).state, current: machine.runs }),
    decide: () => ({ ...standInDecision, ...stay("unchanged", "nothing to do") }),
    boot: () => machine.boot,
    cameUp: (path) => path === machine.runs && path === machine.profile,
    bootedAnother: (path) => path !== machine.booted && path === machine.profile,
    current: () => machine.runs,
    mode: () => Promise.resolve(forBoot ? "boot" : "switch"),
    awaitsBoot: (path) => path !== machine.booted,
    activate: async (path, how) => {
      if (how === "boot") machine.profile = path;
      else machine.runs = path;
      await cut("activate");
      return { kind: "done" };
    },
    keep: (path) => {
      machine.profile = path;
      return Promise.resolve({ kind: "done" });
    },
    revertProfile: (path) => {
      if (machine.profile === path) machine.profile = machine.runs;
      return Promise.resolve();
    },
    healthError: async ({ path }) => {
      await cut("health");
      checked.push(path);
      return path === unhealthy ? { error: "the driver does not load" } : undefined;
    },
    rollBack: async ({ path }) => {
      await cut("back");
      [machine.runs, machine.profile] = path === B.path ? [A.path, A.path] : [OLD, OLD];
      return { ok: true };
    },
  });

async function deploy(built: typeof A): Promise<void> {
  const decision = standInDecision;
  const { state } = readState(scratch.in("state"));
  const ending = await activate({ driver: driver(), decision }, built, state, false);
  if (ending.trialOver !== undefined) endTrial(scratch.in("state"), ending.trialOver);
  const { path: deployed, ...rest } = built;
  writeState(scratch.in("state"), { ...rest, deployed, outcome: "updated" }, false);
}

/** A waits for a boot, and the power is cut while B is activated. */
async function cutDuringB(at: typeof cutAt): Promise<void> {
  await deploy(A);
  cutAt = at;
  await expect(deploy(B)).rejects.toThrow("the power is cut");
  cutAt = undefined;
  checked = [];
}

const boots = (path: string) => {
  machine = { ...machine, booted: path, runs: path, boot: `${Number(machine.boot) + 1}` };
};
const run = () => attempt(driver(), { ...dryRequest, dry: false });
const state = () => readState(scratch.in("state")).state;
const trial = () => readTrial(scratch.in("state"));

it.each(["activate", "health"] as const)(
  "it proves itself after its boot if the newer one was cut at %s",
  async (at) => {
    await cutDuringB(at);
    boots(A.path);
    await run();
    expect(checked).toEqual([A.path]);
    expect(trial()).toBeUndefined();
  },
);

it("it is rolled back and refused if it is not healthy after its boot", async () => {
  await cutDuringB("activate");
  boots(A.path);
  unhealthy = A.path;
  await run();
  expect(machine.profile).toBe(OLD);
  expect(state().refused).toMatchObject([{ revision: A.revision, stage: "health" }]);
});

it("it is rolled back if the machine booted another system instead", async () => {
  await cutDuringB("activate");
  boots(OLD);
  await run();
  expect(state().refused).toMatchObject([{ revision: A.revision, stage: "switch" }]);
});

it("it proves itself if both are set for the next boot, and the boot loader did not get the newer one", async () => {
  forBoot = true;
  await cutDuringB("activate");
  boots(A.path);
  await run();
  expect(machine.profile).toBe(A.path);
  expect(checked).toEqual([A.path]);
});

it("it proves itself after the boot that came within the rollback of the newer one", async () => {
  unhealthy = B.path;
  await cutDuringB("back");
  boots(A.path);
  await run();
  expect(checked).toEqual([A.path]);
  expect(state().refused).toMatchObject([{ revision: B.revision, stage: "health" }]);
});

it("it waits for the next boot if the newer one was booted before its rollback ended", async () => {
  unhealthy = B.path;
  await cutDuringB("back");
  boots(B.path);
  await run();
  expect(checked).toEqual([]);
  expect(trial()).toMatchObject({ path: A.path, boot: "2" });
  boots(A.path);
  await run();
  expect(checked).toEqual([A.path]);
});

it("it is not checked if the machine went back to what ran before both", async () => {
  forBoot = true;
  await deploy(A);
  await deploy(B);
  boots(B.path);
  unhealthy = B.path;
  const back = { ...driver(), rollBack: () => ((machine.runs = machine.profile = OLD), Promise.resolve({ ok: true })) };
  await attempt(back, { ...dryRequest, dry: false });
  expect(checked).toEqual([B.path]);
  expect(state().refused).toMatchObject([{ revision: B.revision }]);
  expect(trial()).toBeUndefined();
});
