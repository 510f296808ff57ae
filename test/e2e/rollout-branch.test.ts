/** Rollouts where VMs follow the branch. Some scenarios run in the other mode alone, unless there is time. */
import { afterAll, beforeAll, describe } from "vitest";
import { long, RolloutFleet } from "./rollout-fleet";
import { countsFailures, goesBack, outlastsTrouble, stopsAtTheCanary } from "./rollouts";

const fleet = new RolloutFleet("branch");
beforeAll(async () => fleet.expectAll(await fleet.start()));
afterAll(() => fleet.down());

describe("a rollout", () => {
  for (const scenario of [stopsAtTheCanary, countsFailures]) scenario(fleet);
  if (long) for (const scenario of [outlastsTrouble, goesBack]) scenario(fleet);
});
