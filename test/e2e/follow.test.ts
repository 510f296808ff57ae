/** What a VM takes by itself at boot, in both modes: between rollouts, and while one is halted. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestCloud, until } from "./cloud";
import { long } from "./rollout-fleet";

const cloud = new TestCloud();
afterAll(() => cloud.down());

const bootedAt = async (vm: string) => (await cloud.status())[vm]?.system?.bootedAt;

/** Until the VM's own timer has run after a boot that is not the one before. */
async function ranAfterBoot(vm: string, before: string | undefined): Promise<void> {
  await until(`${vm} reports from its new boot`, 120, async () => {
    const now = await bootedAt(vm);
    return now !== undefined && now !== before;
  });
}

beforeAll(() =>
  cloud.start({
    "modules/common.nix": (text) =>
      text.replace("services.nixos-auto-update.enable = true;", '$& services.nixos-auto-update.onBoot = "15s";'),
  }),
);

describe.each(["branch", "approved"])("follow: %s", (follow) => {
  it("is set in place", async () => {
    await cloud.configure(`nixos-fleet:follow ${follow}`);
    expect(await cloud.up()).not.toContain("replaced");
  });

  it(follow === "branch" ? "takes a push at the next boot" : "does not take a push at the next boot", async () => {
    const good = await cloud.head();
    const before = await bootedAt("dev-alice");
    const pushed = await cloud.bump();
    await cloud.power("dev-alice", "reset");
    await ranAfterBoot("dev-alice", before);
    await cloud.expectRuns("dev-alice", follow === "branch" ? pushed : good);
    await cloud.up();
    await cloud.expectRuns("dev-alice", pushed);
  });

  // rollout.test.ts has this of VMs that follow approvals.
  const covered = follow === "approved" && !long;
  it.skipIf(covered)(
    "leaves a stopped VM of a later wave where it was, if it boots during a halted rollout",
    async () => {
      const good = await cloud.head();
      const before = { alice: await bootedAt("dev-alice"), bob: await bootedAt("dev-bob") };
      const generations = await cloud.generations("dev-bob");
      await cloud.power("dev-bob", "stop");
      await cloud.change("hosts/dev-canary.nix", (text) => text.replace(/^\{/m, '{ broken = throw "no such option";'));
      await cloud.up("badly");

      await cloud.power("dev-bob", "start");
      await cloud.power("dev-alice", "reset");
      await ranAfterBoot("dev-bob", before.bob);
      await ranAfterBoot("dev-alice", before.alice);
      for (const vm of ["dev-canary", "dev-alice", "dev-bob"]) await cloud.expectRuns(vm, good);
      expect(await cloud.generations("dev-bob")).toBe(generations);

      const fixed = await cloud.change("hosts/dev-canary.nix", (text) =>
        text.replace(' broken = throw "no such option";', ""),
      );
      await cloud.up();
      for (const vm of ["dev-canary", "dev-alice", "dev-bob"]) await cloud.expectRuns(vm, fixed);
    },
  );
});
