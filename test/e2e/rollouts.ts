/** What may happen to a rollout on real machines; each leaves the fleet as it should be, at one change. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { short } from "../../rules/contract";
import { formatDuration } from "../../rules/text/duration";
import { patience } from "../setup/pace";
import { killGate } from "../program/setup/processes";
import { until } from "./cloud";
import { FaultyApi } from "./faulty-api";
import { long, type Change, type RolloutFleet } from "./rollout-fleet";

/**
 * While a rollout is halted: VMs restart, then a refresh and another `up`; no VM of these waves sees the change. Answers what `up` said.
 * @param some which VMs restart; with --all every VM does
 */
async function halted(
  fleet: RolloutFleet,
  bad: Change,
  later: readonly string[],
  some: readonly (string | undefined)[] = fleet.all,
): Promise<string> {
  await fleet.boot(fleet.all.filter((vm) => long || some.includes(vm)));
  expect((await fleet.pulumi("refresh --yes")).exitCode).toBe(0);
  const up = await fleet.up("badly");
  expect(up).toContain(`fleet retry ${bad.revision}`);
  await fleet.expectUntouched(bad, later);
  return up;
}

export function goesOverToApprovals(fleet: RolloutFleet): void {
  it("goes over to approvals, and nothing moves by that", async () => {
    const [first = ""] = fleet.all;
    const change = { number: (await fleet.sees(first)).runs, revision: await fleet.head() };
    fleet.follow = "approved";
    fleet.set();
    await fleet.up();
    await fleet.expectAll(change);
  });
}

export function stopsAtTheCanary(fleet: RolloutFleet): void {
  const { canary, middle, rest } = fleet.waves;
  const [unhealthy = ""] = canary;
  const stopped = middle.at(-1) ?? "";
  let bad: Change;
  /** Messages sent before it. */
  let sent = 0;

  it("rolls out wave by wave, and does not wait for a VM that is stopped", async () => {
    await fleet.power(stopped, "stop");
    const next = await fleet.commit();
    expect(await fleet.up()).toMatch(new RegExp(`${stopped} +deferred +after .*is stopped`));
    await fleet.expectAll(
      next,
      fleet.all.filter((vm) => vm !== stopped),
    );
    const at = (await fleet.status()) as Record<string, { system: { at: string } | null }>;
    const taken = [canary, middle.slice(0, -1), rest].map((vms) =>
      vms.map((vm) => Date.parse(at[vm]?.system?.at ?? "")),
    );
    expect(Math.max(...(taken[0] ?? []))).toBeLessThan(Math.min(...(taken[1] ?? [])));
    expect(Math.max(...(taken[1] ?? []))).toBeLessThan(Math.min(...(taken[2] ?? [])));
  });

  it("ends at a canary that fails its health check and rolls itself back, and no one gets past it", async () => {
    const good = { number: (await fleet.sees(unhealthy)).runs, revision: await fleet.head() };
    bad = await fleet.commit([unhealthy]);
    sent = fleet.messages.length;
    await fleet.watch();
    const up = await fleet.up("badly");
    expect(up).toMatch(new RegExp(`${unhealthy} +failed +after .*health`));
    expect(up).toContain(`change ${bad.number} is unhealthy`);
    await until("the page shows it", 30, async () => (await fleet.watched()).text.includes("does not go on"));
    expect((await fleet.status())[unhealthy]?.system).toMatchObject({
      outcome: "failed",
      stage: "health",
      rolledBack: true,
    });
    await halted(fleet, bad, [...middle, ...rest]);
    // VMs that were stopped have caught up with what their own wave is approved for.
    await fleet.expectAll(good);
  });

  it("takes the fix to all, as everybody sees who watches", async () => {
    const fixed = await fleet.commit();
    await fleet.up();
    await fleet.expectAll(fixed);
    await until("the page is well again", 30, async () => (await fleet.watched()).headlines.at(-1) === "All well");
    const { headlines } = await fleet.watched();
    await fleet.unwatch();
    expect(headlines[0]).toBe("All well");
    const turns = headlines.filter((headline) => headline !== "On the way");
    expect(turns.slice(0, 3)).toEqual(["All well", "Rolling out", "Needs attention"]);
    expect(fleet.messages.slice(sent)).toEqual([
      expect.stringMatching(`rollout of ${short(bad.revision)} began with wave canary`),
      expect.stringMatching(`wave canary stopped ${short(bad.revision)}`),
      expect.stringMatching(`rollout of ${short(fixed.revision)} began with wave canary`),
      expect.stringMatching(`rollout of ${short(fixed.revision)} is done`),
    ]);
  });
}

export function countsFailures(fleet: RolloutFleet): void {
  const { canary, middle, rest } = fleet.waves;
  const [hangs = "", unhealthy = ""] = middle;

  it("ends where a wave's failures are more than its budget: one is unhealthy, one hangs", async () => {
    const limit = Math.ceil(patience(25) / 1000);
    fleet.set({ maxFailures: 1, timeout: `${limit}s` });
    const bad = await fleet.commit([unhealthy]);
    fleet.freeze(hangs);
    const up = await fleet.up("badly");
    expect(up).toMatch(new RegExp(`${unhealthy} +failed +after .*health`));
    expect(up).toMatch(new RegExp(`${hangs} +failed +after .*did not answer within ${formatDuration(limit)}`));
    expect(up).toContain("wave middle failed: 2 of");
    await halted(fleet, bad, rest, [hangs, unhealthy, rest[0]]);
    expect((await fleet.sees(canary[0] ?? "")).runs).toBe(bad.number);
  });

  it("takes the fix to all", async () => {
    fleet.set();
    const fixed = await fleet.commit();
    await fleet.up();
    await fleet.expectAll(fixed);
  });
}

export function outlastsTrouble(fleet: RolloutFleet): void {
  const { canary, middle, rest } = fleet.waves;
  const [first = "", gone = ""] = [canary[0], middle.at(-1)];
  let next: Change;

  it("moves no later wave when its gate is killed, and goes on with the next up", async () => {
    next = await fleet.commit();
    fleet.freeze(first);
    const begun = await fleet.beginUp();
    await begun.says("wave canary: waiting for");
    expect(killGate(fleet.endpoint())).toBe(true);
    expect((await begun.ended).exitCode).not.toBe(0);
    await fleet.expectUntouched(next, [...middle, ...rest]);
  });

  it("outlasts an API that answers 503, a network that is lost, and a VM that is deleted", async () => {
    const api = await FaultyApi.before(fleet.endpoint());
    try {
      const begun = await fleet.beginUp(`NIXOS_FLEET_COMPUTE_ENDPOINT=${api.endpoint}`);
      await begun.says("wave canary: waiting for");
      for (const fails of ["503", "network"] as const) {
        api.fails = fails;
        await sleep(long ? 60_000 : 8_000);
      }
      await fleet.expectUntouched(next, [...middle, ...rest]);
      api.fails = "never";
      await begun.says("the Compute API answers again");
      fleet.freeze(gone);
      fleet.freeze(first, false);
      await begun.says("wave middle: waiting for");
      await fleet.act(gone, "delete");
      const { exitCode, text } = await begun.ended;
      expect(exitCode, text).toBe(0);
      expect(text).toContain("the Compute API does not answer");
      // Compute takes its time to stop a VM that it is to delete.
      expect(text).toMatch(new RegExp(`${gone} +(deleted: not counted any more|deferred +after .*STOPPING)`));
    } finally {
      api.close();
    }
  });

  it("creates the deleted VM again, at what its wave is approved for", async () => {
    await until(`${gone} is gone`, 180, async () => !(gone in (await fleet.status())));
    expect((await fleet.pulumi("refresh --yes")).exitCode).toBe(0);
    await fleet.up();
    // Its wave has passed already, so no gate waits for it.
    await until(`${gone} has caught up`, 180, async () => {
      const { [gone]: vm } = await fleet.status();
      return vm?.system?.revision === next.revision;
    });
    await fleet.expectAll(next);
  });
}

export function goesBack(fleet: RolloutFleet): void {
  const { canary, middle, rest } = fleet.waves;
  const unhealthy = middle.at(-1) ?? "";
  let good: Change;
  let bad: Change;

  it("has every VM that took a bad revision go back, with onFailure: rollback", async () => {
    good = { number: (await fleet.sees(unhealthy)).runs, revision: await fleet.head() };
    fleet.set({ onFailure: "rollback" });
    bad = await fleet.commit([unhealthy]);
    const up = await fleet.up("badly");
    expect(up).toMatch(new RegExp(`${unhealthy} +failed +after .*health`));
    expect(up).toContain(`waves canary, middle left ${short(bad.revision)}`);
    await fleet.expectAll(good);
    await fleet.expectUntouched(bad, rest);
  });

  it("leaves them there over a boot, a refresh, and an up with another change", async () => {
    fleet.set({ onFailure: "rollback" }, { team: "compilers" });
    const up = await halted(fleet, bad, rest, [canary[0], unhealthy, rest[0]]);
    expect(up).toContain(`${short(bad.revision)} was rolled back in wave middle`);
    await fleet.expectAll(good);
  });

  it("takes something newer to all", async () => {
    const newer = await fleet.commit();
    await fleet.up();
    await fleet.expectAll(newer);
  });
}
