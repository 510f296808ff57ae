import { existsSync } from "node:fs";
import { expect } from "vitest";
import { activate, finishTrial, unfinishedTrial } from "../../../../agent/activation/activation";
import type { Driver, RolledBack, Switched } from "../../../../agent/driver";
import type { Ending } from "../../../../agent/ending";
import { endTrial, type Trial } from "../../../../agent/state";
import { Scratch } from "../scratch";
import { standInDecision, standInDriver } from "../stand-in-driver";

export const OLD = "/nix/store/old";
export const NEW = "/nix/store/new";
export const revision = "b".repeat(40);
export const decision = standInDecision;
export const built = { path: NEW, revision, lock: "digest" };
/** What was deployed before. */
export const former = { revision: "a".repeat(40), lock: "former", deployed: OLD, previous: "c".repeat(40) };

/** What a step does instead of succeeding. */
export type Steps = Partial<Record<"activate" | "keep", () => Switched>> & {
  health?: () => string | undefined;
  back?: () => RolledBack;
  awaitsBoot?: boolean;
};

/** Ends the run at once, as a kill does. */
export class Killed extends Error {}
export const dies = () => {
  throw new Killed();
};

/** A VM whose driver is a stand-in: it runs OLD, and activates NEW. */
export class ActivatingVm extends Scratch {
  runs = OLD;
  boot = "1";
  mode: Trial["mode"] = "switch";
  steps: Steps = {};
  /** The steps of the last run. */
  did: string[] = [];

  driver(): Driver {
    return standInDriver(this, {
      look: () => Promise.resolve({ state: {}, current: this.runs }),
      decide: () => decision,
      boot: () => this.boot,
      cameUp: (path) => path === this.runs,
      bootedAnother: (path) => path !== this.runs,
      current: () => this.runs,
      mode: () => Promise.resolve(this.mode),
      awaitsBoot: () => this.steps.awaitsBoot === true,
      activate: async (path, how) => {
        this.did.push(`switch ${how}`);
        const result = this.steps.activate?.();
        if (how === "switch" && (result === undefined || result.kind === "done")) this.runs = path;
        return Promise.resolve(result ?? { kind: "done" });
      },
      keep: async () => {
        this.did.push("keep");
        return Promise.resolve(this.steps.keep?.() ?? { kind: "done" });
      },
      revertProfile: async () => {
        this.did.push("let go");
        return Promise.resolve();
      },
      healthError: async () => {
        this.did.push("health");
        const error = this.steps.health?.();
        return Promise.resolve(error === undefined ? undefined : { error });
      },
      rollBack: async (_trial, _decision, unchanged) => {
        this.did.push("back");
        const result = this.steps.back?.() ?? { ok: true };
        if (result.ok && !unchanged) this.runs = OLD;
        return Promise.resolve(result);
      },
    });
  }

  async begin(): Promise<Ending> {
    const state = { ...former, outcome: "updated" } as const;
    return this.concluded(await activate({ driver: this.driver(), decision }, built, state, false));
  }

  /** What the next run makes of a trial that was cut short; `undefined` where none was. */
  async next(): Promise<Ending | undefined> {
    this.did = [];
    const trial = unfinishedTrial(this.driver());
    return trial && this.concluded(await finishTrial({ driver: this.driver(), decision }, trial));
  }

  /** A run ends the trial only after it has written its state. */
  private concluded(ending: Ending): Ending {
    expect(this.trialLeft()).toBe(true);
    if (ending.trialOver !== undefined) endTrial(this.in("state"), ending.trialOver);
    return ending;
  }

  trialLeft(): boolean {
    return existsSync(this.in("state/trial.json"));
  }

  /** Another boot brings a system up. */
  boots(what: string): void {
    [this.boot, this.runs] = ["2", what];
  }
}
