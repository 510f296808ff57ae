/** Each kind of rollout once, on one fleet: first its VMs follow the branch, then approvals alone. */
import { afterAll, beforeAll, describe } from "vitest";
import { RolloutFleet } from "./rollout-fleet";
import { countsFailures, goesBack, goesOverToApprovals, outlastsTrouble, stopsAtTheCanary } from "./rollouts";

const fleet = new RolloutFleet("branch");
beforeAll(async () => fleet.expectAll(await fleet.startChanging()));
afterAll(() => fleet.down());

describe("a rollout", () => {
  for (const scenario of [countsFailures, goesOverToApprovals, stopsAtTheCanary, outlastsTrouble, goesBack])
    scenario(fleet);
});
