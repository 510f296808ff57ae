/** The same rollouts as in rollout.test.ts, each where VMs follow the other: the branch or approvals. */
import { afterAll, beforeAll, describe } from "vitest";
import { RolloutFleet } from "./rollout-fleet";
import { countsFailures, goesBack, goesOverToApprovals, outlastsTrouble, stopsAtTheCanary } from "./rollouts";

const fleet = new RolloutFleet("branch");
beforeAll(async () => fleet.expectAll(await fleet.startChanging()));
afterAll(() => fleet.down());

describe("a rollout", () => {
  for (const scenario of [stopsAtTheCanary, outlastsTrouble, goesBack, goesOverToApprovals, countsFailures])
    scenario(fleet);
});
