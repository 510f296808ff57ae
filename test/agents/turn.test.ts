/** A VM whose wave activates one part after the other: it builds at once, activates when its turn comes, and a person does not wait. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { approvalKey } from "../../rules/contract";
import { turnOf } from "../../rules/decision/turn";
import { expectRuns } from "../faults/expect-generation";
import { Lab } from "../faults/lab";
import type { Source } from "../faults/source";
import { pace } from "../setup/pace";
import type { Vm } from "../faults/vm";

const turns = 7;
const state = "/var/lib/nixos-auto-update/state.json";
let lab: Lab;
let source: Source;
let vm: Vm;

/** Approves the head; the VM's turn comes after so many seconds. */
async function approve(seconds: number): Promise<string> {
  const revision = await source.head();
  const turn = turnOf("turns", revision, turns);
  if (turn > 0) await vm.sh(`systemctl set-environment NIXOS_AUTO_UPDATE_TURN=${seconds / turn}`);
  lab.tell(approvalKey("devs", "faults", "canary"), { revision, lock: source.lock });
  await vm.sh("nixos-auto-update trigger --by test || true");
  return revision;
}

/** Commits until a revision gives the VM another turn than the first. */
async function commitForLater(): Promise<void> {
  while (turnOf("turns", await source.commit(), turns) === 0);
}

async function answered(revision: string, how: "updated" | "deferred"): Promise<void> {
  const runs = how === "updated" ? `.revision == "${revision}"` : `.outcome == "deferred"`;
  await vm.until(`it is ${how}`, `jq --exit-status '.approved == "${revision}" and ${runs}' ${state}`, 120);
  await vm.idle();
}

describe("a VM with turns", () => {
  beforeAll(async () => {
    lab = await Lab.open();
    source = await lab.source();
    source.keepsLock = true;
    lab.tell(approvalKey("devs", "faults", "canary"), { revision: await source.head(), lock: source.lock });
    vm = await lab.vm("turns", source, { wave: "canary", follow: "approved", contract: 2, turns });
  });
  afterAll(() => lab.close());

  it("waits for none with its first system", async () => {
    await expectRuns(await vm.facts(), source);
  });

  it("builds what is approved, and activates it by itself when its turn comes", async () => {
    const before = await vm.facts();
    await commitForLater();
    const revision = await approve(40 * pace);
    await answered(revision, "deferred");
    expect(await vm.facts()).toMatchObject({ current: before.current, profile: before.profile });
    expect(vm.report()).toMatchObject({
      outcome: "deferred",
      waiting: { for: "turn", until: expect.stringMatching(/^20/) as string },
    });
    await answered(revision, "updated");
    await expectRuns(await vm.facts(), source);
  });

  it("does not wait where a person on the machine asks", async () => {
    await commitForLater();
    await answered(await approve(3_600), "deferred");
    await vm.sh("nixos-auto-update run --by carol");
    await vm.idle();
    await expectRuns(await vm.facts(), source);
  });
});
