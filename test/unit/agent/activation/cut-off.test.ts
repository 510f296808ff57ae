/** An update after which a server does not answer any more: the revision cut it off, or the server went away by itself. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { activate, finishTrial, unfinishedTrial } from "../../../../agent/activation/activation";
import type { Driver, HealthError, RolledBack } from "../../../../agent/driver";
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
  boot?: string;
  /** Whether the server answers to what ran before. */
  answers?: boolean;
  back?: RolledBack;
  health?: HealthError;
  awaitsBoot?: boolean;
}

const driver = ({ boot = "1", answers = false, back, health = away, awaitsBoot = false }: Situation): Driver =>
  standInDriver(scratch, {
    boot: () => boot,
    current: () => runs,
    cameUp: (path) => path === runs,
    awaitsBoot: () => awaitsBoot,
    activate: (path) => {
      runs = path;
      return Promise.resolve({ kind: "done" });
    },
    healthError: () => Promise.resolve(awaitsBoot ? undefined : health),
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

const begin = (situation: Situation) =>
  activate({ driver: driver(situation), decision }, { path: NEW, revision, lock: "" }, {}, false);

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
