/** An activation under trial: what comes of it, and what the next run does after it was cut short anywhere. The driver is a stand-in. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { activate, finishTrial, unfinishedTrial } from "../../../../agent/activation/activation";
import type { Driver, RolledBack, Switched } from "../../../../agent/driver";
import type { Ending } from "../../../../agent/ending";
import { endTrial, readTrial, readWaiting, writeTrial, type Trial } from "../../../../agent/state";
import { Scratch } from "../scratch";
import { standInDecision, standInDriver } from "../stand-in-driver";

const OLD = "/nix/store/old";
const NEW = "/nix/store/new";
const revision = "b".repeat(40);
const decision = standInDecision;
const built = { path: NEW, revision, lock: "digest" };

let scratch: Scratch;
let runs: string;
let boot: string;
let did: string[];
/** What a step does instead of succeeding. */
let steps: Partial<Record<"activate" | "keep", () => Switched>> & {
  health?: () => string | undefined;
  back?: () => RolledBack;
  awaitsBoot?: boolean;
};
let mode: Trial["mode"];

/** Ends the run at once, as a kill does. */
class Killed extends Error {}
const dies = () => {
  throw new Killed();
};

beforeEach(() => {
  scratch = new Scratch();
  [runs, boot, did, steps, mode] = [OLD, "1", [], {}, "switch"];
});
afterEach(() => scratch.remove());

const driver = (): Driver =>
  standInDriver(scratch, {
    look: () => Promise.resolve({ state: {}, current: runs }),
    decide: () => decision,
    boot: () => boot,
    cameUp: (path) => path === runs,
    bootedAnother: (path) => path !== runs,
    current: () => runs,
    mode: () => Promise.resolve(mode),
    awaitsBoot: () => steps.awaitsBoot === true,
    activate: async (path, how) => {
      did.push(`switch ${how}`);
      const result = steps.activate?.();
      if (how === "switch" && (result === undefined || result.kind === "done")) runs = path;
      return Promise.resolve(result ?? { kind: "done" });
    },
    keep: async () => {
      did.push("keep");
      return Promise.resolve(steps.keep?.() ?? { kind: "done" });
    },
    revertProfile: async () => {
      did.push("let go");
      return Promise.resolve();
    },
    healthError: async () => {
      did.push("health");
      const error = steps.health?.();
      return Promise.resolve(error === undefined ? undefined : { error });
    },
    rollBack: async (_trial, _decision, unchanged) => {
      did.push("back");
      const result = steps.back?.() ?? { ok: true };
      if (result.ok && !unchanged) runs = OLD;
      return Promise.resolve(result);
    },
  });

/** What was deployed before. */
const former = { revision: "a".repeat(40), lock: "former", deployed: OLD, previous: "c".repeat(40) };
const begin = async () =>
  concluded(await activate({ driver: driver(), decision }, built, { ...former, outcome: "updated" }, false));

/** What the next run makes of a trial that was cut short; `undefined` where none was. */
async function next(): Promise<Ending | undefined> {
  did = [];
  const trial = unfinishedTrial(driver());
  return trial && concluded(await finishTrial({ driver: driver(), decision }, trial));
}

/** A run ends the trial only after it has written its state. */
function concluded(ending: Ending): Ending {
  expect(trialLeft()).toBe(true);
  if (ending.trialOver !== undefined) endTrial(scratch.in("state"), ending.trialOver);
  return ending;
}

const trialLeft = () => existsSync(scratch.in("state/trial.json"));
const cutShort = () => expect(begin()).rejects.toThrow(Killed);
const boots = (what: string) => {
  [boot, runs] = ["2", what];
};

describe("an activation", () => {
  it("counts when it has proved itself", async () => {
    expect(await begin()).toMatchObject({ outcome: "updated", revision, lock: "digest" });
    expect(did).toEqual(["switch switch", "health", "keep"]);
    expect(trialLeft()).toBe(false);
  });

  const failing: [string, typeof steps][] = [
    ["switch", { activate: () => ({ kind: "failed", error: "boom" }) }],
    ["health", { health: () => "boom" }],
    ["switch", { keep: () => ({ kind: "failed", error: "boom" }) }],
  ];
  it.each(failing)("that fails at %s is rolled back, and refused from then on", async (stage, step) => {
    steps = step;
    const ending = await begin();
    expect(ending).toMatchObject({ outcome: "failed", stage, error: "boom", rolledBack: true, refuse: revision });
    expect(runs).toBe(OLD);
    expect(trialLeft()).toBe(false);
  });

  it.each(failing)(
    "that fails at %s while the machine shuts down is left to the run after the boot",
    async (_, step) => {
      scratch.fake("systemctl", "[ $1 = is-system-running ] && echo stopping; exit 1");
      steps = step;
      const ending = await begin();
      expect(ending).toMatchObject({ outcome: "deferred", error: "the machine is shutting down: boom", passes: true });
      expect(did).not.toContain("back");
      expect(readTrial(scratch.in("state"))).toMatchObject({ path: NEW, revision });
      expect(readTrial(scratch.in("state"))).not.toHaveProperty("undo");

      // The profile was not set, so that the boot brings the former one up, and the revision is still wanted.
      boots(OLD);
      steps = {};
      expect(await next()).toMatchObject({ outcome: "deferred", rolledBack: false });
      expect(trialLeft()).toBe(false);
    },
  );

  it("that could not begin because another one was under way is tried again", async () => {
    steps = { activate: () => ({ kind: "failed", error: "busy", passes: "busy", unchanged: true }) };
    const ending = await begin();
    expect(ending).toMatchObject({ outcome: "failed", stage: "switch", retry: "busy" });
    expect(ending.refuse).toBeUndefined();
  });

  it("that found no space for the boot loader is tried again", async () => {
    steps = { keep: () => ({ kind: "failed", error: "No space left on device", passes: "space" }) };
    const ending = await begin();
    expect(ending).toMatchObject({ outcome: "failed", cause: "space", rolledBack: true });
    expect(ending.retry).toBe("no space is left");
    expect(ending.refuse).toBeUndefined();
    expect(runs).toBe(OLD);
  });

  it("that is whole only after a boot is kept, and proves itself again after it", async () => {
    steps = { awaitsBoot: true };
    expect(await begin()).toMatchObject({ outcome: "updated", reboot: true });
    expect(did).toEqual(["switch switch", "health", "keep"]);
    expect(readTrial(scratch.in("state"))).toMatchObject({ mode: "boot", kept: true, path: NEW });
    expect(await next()).toBeUndefined();

    boot = "2";
    steps = { health: () => "the driver does not load" };
    const ending = await next();
    expect(ending).toMatchObject({ outcome: "failed", stage: "health", rolledBack: true, refuse: revision });
    // It counted as deployed until now.
    expect(ending?.restores).toEqual(former);
    expect(did).toEqual(["health", "back"]);
    expect(trialLeft()).toBe(false);
  });

  it("that never counted as deployed leaves what did", async () => {
    steps = { health: () => "boom" };
    const ending = await begin();
    expect(ending).toMatchObject({ outcome: "failed", rolledBack: true });
    expect(ending.restores).toBeUndefined();
  });

  it("that replaces one that waits for a boot goes back to what ran", async () => {
    mode = "boot";
    await begin();
    mode = "switch";
    steps = { awaitsBoot: true };
    const waits = { revision, lock: "digest", deployed: NEW, previous: former.revision };
    await activate({ driver: driver(), decision }, { ...built, revision: "d".repeat(40) }, waits, false);
    boot = "2";
    steps = { health: () => "boom" };
    expect((await next())?.restores).toEqual(former);
  });

  it("that is whole only after a boot counts when it has proved itself after it", async () => {
    steps = { awaitsBoot: true };
    await begin();
    boot = "2";
    steps = {};
    expect(await next()).toMatchObject({ outcome: "updated", revision });
    expect(trialLeft()).toBe(false);
  });

  it("that needs a reboot after all is set for the next boot", async () => {
    steps = { activate: () => ({ kind: "needs reboot" }) };
    expect(await begin()).toMatchObject({ outcome: "updated", reboot: true, deployed: NEW });
    expect(did).toEqual(["switch switch", "switch boot"]);
    expect(readTrial(scratch.in("state"))).toMatchObject({ mode: "boot", path: NEW });
    expect(await next()).toBeUndefined();
  });

  it("is rolled back by a later run where the rollback fails, which is announced to everyone", async () => {
    process.env["JOURNAL_STREAM"] = "1:1";
    steps = { health: () => "boom", back: () => ({ ok: false, error: "stuck" }) };
    const ending = await begin();
    delete process.env["JOURNAL_STREAM"];
    expect(scratch.log).toContain(`<0>COULD NOT ROLL BACK from ${NEW}: stuck`);
    expect(ending).toMatchObject({
      outcome: "failed",
      stage: "health",
      rolledBack: false,
      retry: "the rollback failed",
    });
    expect(ending.error).toContain("and the rollback failed: stuck");
    steps = {};
    await next();
    expect(did).toEqual(["back"]);
    expect(trialLeft()).toBe(false);
  });

  it("is given up where there is nothing to go back to", async () => {
    steps = { health: () => "boom", back: () => ({ ok: false, hopeless: true }) };
    await begin();
    expect(trialLeft()).toBe(false);
  });

  it("that fails leaves what waited for a reboot waiting", async () => {
    const waits: Trial = {
      ...{ path: "/nix/store/waits", revision: "a".repeat(40), lock: "", mode: "boot", boot: "1", former: OLD },
      before: { failed: [], reached: {} },
    };
    writeTrial(scratch.in("state"), waits);
    steps = { activate: () => ({ kind: "failed", error: "busy", passes: "busy", unchanged: true }), back: dies };
    await cutShort();
    expect(readWaiting(scratch.in("state"))).toEqual(waits);
    steps = {};
    await next();
    expect(readTrial(scratch.in("state"))).toEqual(waits);
  });
});

describe("an activation that was cut short", () => {
  it.each([
    ["before the switch", { activate: dies }],
    ["before it proved itself", { health: dies }],
    ["before it was kept", { keep: dies }],
  ])("%s is done again", async (_, step) => {
    steps = step;
    await cutShort();
    steps = {};
    expect(await next()).toMatchObject({ outcome: "updated", revision });
    expect(did).toEqual(["switch switch", "health", "keep"]);
    expect(runs).toBe(NEW);
  });

  it.each(["activate", "health", "keep"] as const)("at %s is let go after a boot of the old one", async (where) => {
    steps = { [where]: dies };
    await cutShort();
    steps = {};
    boots(OLD);
    expect(await next()).toMatchObject({ outcome: "deferred", error: "an update was cut short" });
    expect(did).toEqual(["let go"]);
    expect(trialLeft()).toBe(false);
  });

  it("and that a boot brought up has to prove itself", async () => {
    steps = { health: dies };
    await cutShort();
    boots(NEW);
    steps = { health: () => "boom" };
    expect(await next()).toMatchObject({ outcome: "failed", stage: "health", refuse: revision });
    expect(did).toEqual(["switch switch", "health", "back"]);
    expect(runs).toBe(OLD);
  });

  it("within the rollback goes on being rolled back, also after a boot", async () => {
    steps = { health: () => "boom", back: dies };
    await cutShort();
    steps = {};
    boots(NEW);
    expect(await next()).toMatchObject({ outcome: "failed", stage: "health", error: "boom", refuse: revision });
    expect(did).toEqual(["back"]);
    expect(runs).toBe(OLD);
  });

  it("and whose file cannot be read is decided by what runs", async () => {
    writeFileSync(scratch.in("state/trial.json"), '{"path":');
    expect(await next()).toBeUndefined();
    expect(trialLeft()).toBe(false);
  });
});

describe("a trial that waits for a reboot", () => {
  it("is left alone until then, and proves itself after it", async () => {
    mode = "boot";
    expect(await begin()).toMatchObject({ outcome: "updated", reboot: true, deployed: NEW });
    expect(await next()).toBeUndefined();
    boots(NEW);
    expect(await next()).toMatchObject({ outcome: "updated", revision });
    expect(did).toEqual(["health"]);
    expect(trialLeft()).toBe(false);
  });

  it("is rolled back and refused if the machine boots another system instead", async () => {
    steps = { awaitsBoot: true };
    await begin();
    boots(OLD);
    const error = "the machine booted another system instead";
    expect(await next()).toMatchObject({
      stage: "switch",
      error,
      rolledBack: true,
      refuse: revision,
      restores: former,
    });
    expect(did).toEqual(["back"]);
  });
});

it("an agent of before reads what this one writes", async () => {
  steps = { health: dies };
  await cutShort();
  const text = JSON.parse(readFileSync(scratch.in("state/trial.json"), "utf8")) as object;
  expect(text).toEqual({
    ...built,
    restores: former,
    mode: "switch",
    ...{ boot: "1", begun: expect.any(String) as string, former: OLD },
    before: { failed: [], reached: {} },
  });
});
