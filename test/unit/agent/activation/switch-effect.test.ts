/** A switch counts only if what it switched to runs afterwards. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { activate } from "../../../../agent/activation/activation";
import type { Trial } from "../../../../agent/state";
import { Scratch } from "../scratch";
import { standInDecision as decision, standInDriver } from "../stand-in-driver";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => scratch.remove());

const revision = "b".repeat(40);
const switched = (mode: Trial["mode"], current: string) => {
  const driver = standInDriver(scratch, { current: () => current, mode: () => Promise.resolve(mode) });
  return activate({ driver, decision }, { path: "/nix/store/new", revision, lock: "" }, {}, false);
};

it.each([
  ["/nix/store/old", "the switch ended, but /nix/store/old runs"],
  ["", "the switch ended, but nothing runs"],
])("one that succeeds and leaves %j running is rolled back", async (current, error) => {
  expect(await switched("switch", current)).toMatchObject({
    stage: "switch",
    error,
    rolledBack: true,
    refuse: revision,
  });
});

it("one that leaves the new one running counts, and one for the next boot leaves the old one", async () => {
  expect(await switched("switch", "/nix/store/new")).toMatchObject({ outcome: "updated" });
  expect(await switched("boot", "/nix/store/old")).toMatchObject({ outcome: "updated", reboot: true });
});

it.each([undefined, "boom"])(
  "one that another switch overtakes during its health check (%s) counts neither way",
  async (health) => {
    let runs = "/nix/store/new";
    const did: string[] = [];
    const driver = standInDriver(scratch, {
      current: () => runs,
      healthError: () => {
        runs = "/nix/store/a-person's";
        return Promise.resolve(health === undefined ? undefined : { error: health });
      },
      keep: () => (did.push("keep"), Promise.resolve({ kind: "done" })),
      rollBack: () => (did.push("back"), Promise.resolve({ ok: true })),
    });
    const ending = await activate({ driver, decision }, { path: "/nix/store/new", revision, lock: "" }, {}, false);
    const error = "someone switched to /nix/store/a-person's meanwhile";
    expect(ending).toEqual({ outcome: "deferred", error, rolledBack: false, retry: error, trialOver: {} });
    expect(did).toEqual([]);
  },
);
