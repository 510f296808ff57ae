/** Updates on a disk that is full when they end. */
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type CommonDecision, dryRequest } from "../../../agent/driver";
import { attempt } from "../../../agent/engine";
import * as states from "../../../agent/state";
import { Repository, Scratch } from "./scratch";
import { repositoryDriver, standInDecision } from "./stand-in-driver";

const { readState, readTrial, writeTrial } = states;

let scratch: Scratch;
let decision: CommonDecision;
let revision: string;
let repository: Repository;
let activated: string[];
let rolledBack: string[];

beforeEach(() => {
  scratch = new Scratch();
  repository = new Repository(scratch.in("origin"));
  revision = repository.commit("{}");
  const target = { revision, source: "approval", explicit: true, urgent: false } as const;
  decision = { ...standInDecision, action: "update", target };
  activated = [];
  rolledBack = [];
  scratch.fake("systemctl", "true");
  scratch.fake("systemd-run", "true");
  scratch.fake("nix", "echo /nix/store/x.drv");
  writeFileSync(scratch.in("built"), "");
  scratch.fake("nix-store", `[ "$1" != --realise ] || ln -sfn ${scratch.in("built")} "$4"`);
  vi.spyOn(states, "writeState").mockImplementation(fullDisk);
});
afterEach(() => {
  vi.restoreAllMocks();
  scratch.remove();
});

function fullDisk(): never {
  throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC", syscall: "write", errno: -28 });
}

/** Runs an update to what is unhealthy. */
async function run() {
  const driver = repositoryDriver(scratch, repository, () => decision, {
    activate: (path) => (activated.push(path), Promise.resolve({ kind: "done" })),
    current: () => activated.at(-1) ?? "",
    healthError: () => Promise.resolve({ error: "x.service failed" }),
    rollBack: ({ path }) => (rolledBack.push(path), Promise.resolve({ ok: true })),
  });
  const { ending } = await attempt(driver, { ...dryRequest, once: false, dry: false });
  return ending;
}

it("a failed update stays on trial, and is rolled back and refused once its end can be written", async () => {
  expect(await run()).toMatchObject({ outcome: "failed", refuse: revision });
  expect(readTrial(scratch.in("state"))).toMatchObject({ undo: { stage: "health" } });
  expect(scratch.log).toContain("trying again");

  expect(await run()).toMatchObject({ outcome: "failed", refuse: revision });
  expect(rolledBack).toHaveLength(2);

  vi.mocked(states.writeState).mockRestore();
  decision = standInDecision;
  await run();
  expect(rolledBack).toHaveLength(3);
  expect(activated).toHaveLength(1);
  expect(readState(scratch.in("state")).state.refused).toMatchObject([{ revision }]);
  expect(readTrial(scratch.in("state"))).toBeUndefined();
});

it("an update whose failure could not be noted either is not activated again", async () => {
  vi.spyOn(states, "writeTrial").mockImplementation((folder, trial) =>
    trial.undo === undefined && activated.length === 0 ? writeTrial(folder, trial) : fullDisk(),
  );
  await run();
  expect(readTrial(scratch.in("state"))?.undo).toBeUndefined();
  expect(await run()).toMatchObject({ outcome: "failed", cause: "space" });
  expect(activated).toHaveLength(1);
});
