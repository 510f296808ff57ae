/** Commands that move VMs say so, and ask, before they change anything. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { approvalKey, controlKey } from "../../../rules/contract";
import { environmentOf, FakeCompute } from "./google/fake-compute";
import { noControl, type Control } from "../../../rules/rollout/control-item";
import { approval, good, old, other, report } from "./fleet-samples";
import { runFleet } from "./run-fleet";

let fake: FakeCompute;
let endpoint: string;
beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev", "nixos-fleet-wave": "rest" };
  const vm = (name: string, revision: string, status: string) => ({
    name,
    labels,
    status,
    guest: { "nixos-fleet/system": JSON.stringify(report({ revision, approved: revision })) },
  });
  fake.instances = [vm("dev-alice", good, "RUNNING"), vm("dev-bob", old, "TERMINATED")];
  fake.metadata[approvalKey("devs", "dev", "rest")] = JSON.stringify(approval(good));
});
afterEach(() => fake.stop());

const env = (): NodeJS.ProcessEnv => ({
  ...environmentOf(endpoint),
});

function control(): unknown {
  const value = fake.metadata[controlKey("devs", "dev")];
  return value === undefined ? undefined : JSON.parse(value);
}

describe("a command that moves VMs", () => {
  const confirmed = (answer: boolean) => {
    const asked: string[] = [];
    const confirm = (question: string) => {
      asked.push(question);
      return Promise.resolve(answer);
    };
    return { asked, confirm };
  };

  it("asks on a terminal, changes nothing where the answer is no, and does not ask with --yes", async () => {
    await runFleet(["hold", "--vm", "dev-bob", "--why", "demo"], env());
    const held = control();
    const no = confirmed(false);
    const refused = await runFleet(["resume", "--all"], env(), { confirm: no.confirm });
    expect(refused).toEqual({
      code: 1,
      out: ["  dev-bob: aaaaaaa → bbbbbbb, at the next boot"],
      err: ["nothing was changed [NF210]"],
    });
    expect([no.asked, control()]).toEqual([["Go ahead?"], held]);
    const never = confirmed(false);
    expect((await runFleet(["resume", "--all", "--yes"], env(), { confirm: never.confirm })).code).toBe(0);
    expect([never.asked, control()]).toEqual([[], undefined]);
  });

  it("asks with --json too, and says on standard error what moves", async () => {
    const no = confirmed(false);
    const { code, out, err } = await runFleet(["rollback", "--json"], env(), { confirm: no.confirm });
    expect([code, out, no.asked, control()]).toEqual([1, [], ["Go ahead?"], undefined]);
    expect(err[0]).toBe("  dev-alice: bbbbbbb → what it ran before, now");
  });

  it.each([
    ["pin", ["pin", "dev-alice", old]],
    ["rollback", ["rollback", other, "--no-wait"]],
    ["resume", ["resume", "--vm", "dev-bob"]],
  ])("keeps what a gate writes while %s asks", async (_, args) => {
    if (args[0] === "resume") await runFleet(["hold", "--vm", "dev-bob", "--why", "demo"], env());
    if (args[0] === "rollback") fake.setMetadata(approvalKey("devs", "dev", "rest"), JSON.stringify(approval(other)));
    const gates = { scope: "wave:canary", revision: other, by: "the gate of wave canary", why: "1 failed", at: "" };
    const confirm = () => {
      const before = (control() ?? noControl) as Control;
      fake.setMetadata(approvalKey("devs", "dev", "canary"), JSON.stringify(approval(other)));
      const undone = { rest: { [good]: old } };
      fake.setMetadata(
        controlKey("devs", "dev"),
        JSON.stringify({ ...before, holds: [...before.holds, gates], instead: undone }),
      );
      return Promise.resolve(true);
    };
    const { code, err } = await runFleet(args, env(), { confirm });
    expect([code, err]).toEqual([0, []]);
    if (args[0] === "rollback")
      // The wave that was approved meanwhile goes back too.
      expect(control()).toMatchObject({ instead: { rest: { [other]: "previous" }, canary: { [other]: "previous" } } });
    else expect(control()).toMatchObject({ holds: [gates], instead: { rest: { [good]: old } } });
  });

  it("asks before it ends somebody else's hold, whether or not a VM moves", async () => {
    await runFleet(["hold", "--vm", "dev-alice", "--why", "demo", "--by", "ann"], env());
    const held = control();
    const no = confirmed(false);
    const { code, err } = await runFleet(["resume", "--vm", "dev-alice"], env(), { confirm: no.confirm });
    expect([code, err]).toEqual([1, ["VM dev-alice held by ann: demo", "nothing was changed [NF210]"]]);
    expect([no.asked, control()]).toEqual([["Go ahead?"], held]);
    const yes = confirmed(true);
    expect((await runFleet(["resume", "--vm", "dev-alice"], env(), { confirm: yes.confirm })).code).toBe(0);
    expect(control()).toBeUndefined();
  });

  it("ends no one's hold that came while it asked", async () => {
    await runFleet(["hold", "--vm", "dev-alice", "--why", "demo", "--by", "ann"], env());
    const confirm = async () => {
      await runFleet(["hold", "--vm", "dev-alice", "--why", "mine", "--by", "bob"], env());
      return true;
    };
    await runFleet(["resume", "--vm", "dev-alice"], env(), { confirm });
    expect(control()).toMatchObject({ holds: [{ by: "bob" }] });
  });

  it("does not ask where no VM moves", async () => {
    await runFleet(["hold", "--vm", "dev-alice", "--why", "demo"], env());
    const no = confirmed(false);
    expect((await runFleet(["resume", "--all"], env(), { confirm: no.confirm })).code).toBe(0);
    expect(no.asked).toEqual([]);
  });

  it("shows the change as JSON with --dry-run", async () => {
    const { out } = await runFleet(["rollback", "--wave", "rest", "--dry-run", "--json"], env());
    expect(JSON.parse(out.join("\n"))).toMatchObject({
      dryRun: true,
      moves: [{ vms: ["dev-alice"], text: "bbbbbbb → what it ran before, now" }, { vms: ["dev-bob"] }],
    });
    expect(control()).toBeUndefined();
  });
});
