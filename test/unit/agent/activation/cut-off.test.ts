/** An update after which a server does not answer any more: the revision cut it off, or the server went away by itself. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { activate, finishTrial, unfinishedTrial } from "../../../../agent/activation/activation";
import type { Driver, HealthError, RolledBack } from "../../../../agent/driver";
import { type AgentState, nextState, parseState, serializeState } from "../../../../rules/agent-state";
import type { Ending } from "../../../../agent/ending";
import { readTrial } from "../../../../agent/state";
import { Scratch } from "../scratch";
import { standInDecision as decision, standInDriver } from "../stand-in-driver";

const [OLD, NEW] = ["/nix/store/old", "/nix/store/new"];
const revision = "b".repeat(40);
const away: HealthError = { error: "it cannot be reached any more", lost: "repository" };

let scratch: Scratch;
let runs: string;
let did: string[];
beforeEach(() => {
  scratch = new Scratch();
  [runs, did] = [OLD, []];
});
afterEach(() => scratch.remove());

interface Situation {
  /** Whether the server answers before the switch. */
  reached?: boolean;
  boot?: string;
  /** Whether the server answers to what ran before. */
  answers?: boolean;
  back?: RolledBack;
  health?: HealthError | undefined;
  awaitsBoot?: boolean;
  /** Whether the server is judged as the system's health check judges it: lost only if it answered before. */
  compares?: boolean;
}

const driver = (situation: Situation): Driver => {
  const { boot = "1", answers = false, back, awaitsBoot = false, reached = true } = situation;
  const health = "health" in situation ? situation.health : away;
  return standInDriver(scratch, {
    healthBefore: () => Promise.resolve({ failed: [], reached: { repository: reached } }),
    boot: () => boot,
    current: () => runs,
    cameUp: (path) => path === runs,
    awaitsBoot: () => awaitsBoot,
    activate: (path) => {
      runs = path;
      return Promise.resolve({ kind: "done" });
    },
    healthError: ({ before }) =>
      Promise.resolve(awaitsBoot || (before.reached["repository"] !== true && situation.compares) ? undefined : health),
    rollBack: () => {
      did.push("back");
      if (back === undefined) runs = OLD;
      return Promise.resolve(back ?? { ok: true });
    },
    reachesAgain: (what) => {
      did.push(`ask ${what} from ${runs}`);
      return Promise.resolve(answers);
    },
  });
};

const begin = (situation: Situation, state: AgentState = {}) =>
  activate({ driver: driver(situation), decision }, { path: NEW, revision, lock: "" }, state, false);

/** What the next run makes of the trial that is left. */
function next(situation: Situation) {
  const trial = unfinishedTrial(driver(situation)) ?? expect.fail("no trial is left");
  return finishTrial({ driver: driver(situation), decision }, trial);
}

const failed = { outcome: "failed", stage: "health", rolledBack: true };
const refused = { ...failed, cause: "revision", refuse: revision };

it("is refused if the server answers to what ran before", async () => {
  expect(await begin({ answers: true })).toMatchObject({ ...refused, error: away.error });
  expect(did).toEqual(["back", `ask repository from ${OLD}`]);
});

it("is tried again if the server does not answer to what ran before either", async () => {
  const ending = await begin({ answers: false });
  const error = "it cannot be reached any more, nor from the former system";
  expect(ending).toMatchObject({ ...failed, cause: "network", error, retry: error });
  expect(ending.refuse).toBeUndefined();
});

/** The state after a run, as the next run reads it. */
function stateAfter(ending: Ending, before: AgentState = {}): AgentState {
  const { outcome, rolledBack, cutOff } = ending;
  const run = { toplevel: OLD, rebootRequired: false, at: "2026-01-01T00:00:00Z", bootedAt: "", agent: "" };
  const state = nextState(before, { ...run, outcome, rolledBack, ...(cutOff === undefined ? {} : { cutOff }) });
  return parseState(serializeState(state)).state;
}

describe("a revision after which the server stayed away, after its rollback too", () => {
  const compares = { compares: true };

  const stillAway = { ...compares, reached: false };

  it("waits until it answers again", async () => {
    const first = stateAfter(await begin(compares));
    did = [];
    const second = await begin(stillAway, stateAfter({ outcome: "held", rolledBack: false }, first));
    const error = `the repository has not answered since ${revision.slice(0, 7)} was rolled back`;
    expect(second).toEqual({ outcome: "deferred", error, rolledBack: false, retry: error });
    expect([runs, did]).toEqual([OLD, []]);
    const later = stateAfter(second, first);
    expect(await begin(stillAway, later)).toMatchObject({ outcome: "deferred" });
    expect(await begin({ ...compares, health: undefined }, later)).toMatchObject({ outcome: "updated" });
  });

  it("does not keep another revision waiting, or one that succeeded since", async () => {
    const first = stateAfter(await begin(compares));
    const other = { ...first, cutOff: { revision: "c".repeat(40), lost: "repository" as const } };
    expect(await begin(stillAway, other)).toMatchObject({ outcome: "updated" });
    expect(await begin(stillAway, stateAfter({ outcome: "updated", rolledBack: false }, first))).toMatchObject({
      outcome: "updated",
    });
  });

  it("is tried less often if that repeats", async () => {
    expect(await begin(compares)).toMatchObject({ cause: "network", unrecognised: { revision } });
    expect((await begin({ answers: true })).unrecognised).toBeUndefined();
  });
});

it("that is unhealthy for another reason is refused without that question", async () => {
  expect(await begin({ health: { error: "units failed" } })).toMatchObject(refused);
  expect(did).toEqual(["back"]);
});

it("is not refused before a repeated rollback has asked", async () => {
  const first = await begin({ back: { ok: false, error: "stuck" } });
  expect(first).toMatchObject({ ...failed, rolledBack: false, cause: "unknown", retry: "the rollback failed" });
  expect(first.refuse).toBeUndefined();
  expect(await next({ answers: true })).toMatchObject(refused);
  expect(did).toEqual(["back", "back", `ask repository from ${OLD}`]);
});

it("is refused where nothing ran before that could ask", async () => {
  const ending = await begin({ back: { ok: false, hopeless: true } });
  expect(ending).toMatchObject({ ...refused, rolledBack: false });
  expect(did).toEqual(["back"]);
});

it("that has no network after its boot is refused: what ran before does not run again yet", async () => {
  await begin({ awaitsBoot: true });
  expect(readTrial(scratch.in("state"))).toMatchObject({ mode: "boot", kept: true });
  expect(await next({ boot: "2", health: { ...away, lost: "metadata server" } })).toMatchObject(refused);
  expect(did).toEqual(["back"]);
});
