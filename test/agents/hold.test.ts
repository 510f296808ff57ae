/** Holds that come while a VM builds an update: what it has built is not activated, and is when the hold has gone. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { approvalKey, controlKey } from "../../rules/contract";
import { noControl } from "../../rules/rollout/control-item";
import { expectRuns } from "../faults/expect-generation";
import { Lab } from "../faults/lab";
import type { Source } from "../faults/source";
import type { Vm } from "../faults/vm";

const building = `jq --exit-status '.stage == "building"' /run/nixos-auto-update/progress.json`;
const who = { by: "carol", why: "a demo", at: "2026-01-01T00:00:00Z" };
let lab: Lab;
let source: Source;
let vm: Vm;

async function approve(): Promise<void> {
  lab.tell(approvalKey("devs", "faults", "canary"), { revision: await source.head(), lock: source.lock });
}

function steer(holds: object[]): Promise<void> {
  lab.tell(controlKey("devs", "faults"), { ...noControl, holds });
  return Promise.resolve();
}

async function command(words: string): Promise<void> {
  await vm.sh(`nixos-auto-update ${words}`);
}

beforeAll(async () => {
  lab = await Lab.open();
  source = await lab.source();
  source.keepsLock = true;
  await approve();
  vm = await lab.vm("held", source, { wave: "canary", follow: "approved", contract: 2 });
  source.extra = 'system.systemBuilderCommands = "sleep 5";';
});
afterAll(() => lab.close());

it.each([
  ["an operator's", () => steer([{ scope: "fleet", ...who }]), () => steer([])],
  ["a person's", () => command("hold a demo"), () => command("resume")],
])("%s", async (_, hold, resume) => {
  const before = await vm.facts();
  await source.commit();
  await approve();
  await vm.begin();
  await vm.until("it builds", building, 60);
  await hold();
  await vm.idle();
  const is = await vm.facts();
  expect(is).toMatchObject({ current: before.current, profile: before.profile });
  expect(vm.report()).toMatchObject({ outcome: "held", error: expect.stringContaining("a demo") as string });
  await resume();
  await vm.update();
  await expectRuns(await vm.facts(), source);
});
