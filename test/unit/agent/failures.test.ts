/** What a failed step means for later runs. */
import { describe, expect, it } from "vitest";
import { UpdateFailure } from "../../../agent/driver";
import { succeededOrFailure } from "../../../agent/failures";
import { Scratch } from "./scratch";
import { isTransient, type FailureCause } from "../../../rules/decision/failure";

const revision = "a".repeat(40);
const failing = (cause: FailureCause, refuse: boolean) =>
  succeededOrFailure(
    () => Promise.reject(new UpdateFailure("build", "it failed", cause, refuse)),
    () => revision,
  );

describe("a step that fails", () => {
  it("has its revision refused where the revision is to blame", async () => {
    expect(await failing("revision", true)).toMatchObject({ outcome: "failed", stage: "build", refuse: revision });
    expect(await failing("revision", false)).not.toHaveProperty("refuse");
  });

  const causes: FailureCause[] = ["network", "refused", "space", "resources", "busy", "absent", "unknown"];
  it.each(causes.filter(isTransient))("of %s is tried again, and refuses nothing", async (cause) => {
    const ending = await failing(cause, true);
    expect(ending).toMatchObject({ outcome: "failed", retry: expect.any(String) as string });
    expect(ending).not.toHaveProperty("refuse");
  });

  it.each<FailureCause>([...causes, "revision"])(
    "of %s says nothing of the revision while the machine shuts down",
    async (cause) => {
      const scratch = new Scratch();
      scratch.fake("systemctl", "[ $1 = is-system-running ] && echo stopping; exit 1");
      try {
        const ending = await failing(cause, true);
        expect(ending).toEqual({
          outcome: "deferred",
          error: "the machine is shutting down: it failed",
          rolledBack: false,
          passes: true,
        });
      } finally {
        scratch.remove();
      }
    },
  );
});
