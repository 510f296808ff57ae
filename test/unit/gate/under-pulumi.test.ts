/** A gate as Pulumi runs it: what it reads and prints, and that it ends with what started it. */
import { resolve } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gateResult } from "../../../infra/components/rollout/gate-result";
import { approvalKey, controlKey } from "../../../rules/contract";
import { noControl, serializeControl } from "../../../rules/rollout/control-item";
import { bounded } from "../../../cli/gate/output";
import { saysPassed } from "../../../cli/gate/results";
import { environmentOf, FakeCompute } from "../cli/google/fake-compute";
import { approval, good, old, report } from "../cli/fleet-samples";
import { until } from "../../setup/until";
import { runFleet } from "../cli/run-fleet";

const failed = { revision: old, outcome: "failed", stage: "build", error: "no" } as const;

let fake: FakeCompute;
let endpoint: string;
beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  fake.instances = [vm("dev-1"), vm("dev-2")];
  for (const wave of ["canary", "rest"])
    fake.metadata[approvalKey("devs", "dev", wave)] = JSON.stringify(approval(good));
});
afterEach(() => fake.stop());

function vm(name: string, said: Parameters<typeof report>[0] = {}) {
  return {
    name,
    labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" },
    metadata: { "nixos-fleet": JSON.stringify({ wave: "rest", follow: "branch", homes: [] }) },
    guest: { "nixos-fleet/system": JSON.stringify(report({ at: new Date().toISOString(), ...said })) },
  };
}

const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...environmentOf(endpoint),
  NIXOS_FLEET_FLEET: "devs",
  NIXOS_FLEET_STACK: "dev",
  NIXOS_FLEET_WAVE: "rest",
  NIXOS_FLEET_REVISION: good,
  NIXOS_FLEET_MEMBERS: "dev-1,dev-2",
  NIXOS_FLEET_ON_FAILURE: "hold",
  ...more,
});

const gate = (more: NodeJS.ProcessEnv = {}) => runFleet(["await"], env(more));
const control = () => fake.metadata[controlKey("devs", "dev")];

describe("a gate under Pulumi", () => {
  it.each(["hold", "rollback"])("that may not read the VMs' reports fails without a %s", async (reaction) => {
    fake.fault = (request) =>
      request.includes("getGuestAttributes")
        ? { status: 403, body: { error: { message: "Required permission" } } }
        : undefined;
    const { code, err } = await gate({ NIXOS_FLEET_ON_FAILURE: reaction });
    expect([code, control()]).toEqual([1, undefined]);
    expect(err.at(-1)).toMatch(/HTTP 403: Required permission; .*fleet doctor checks project and rights/);
  });

  it("prints one line as its result, which says to its next run that the wave has passed", async () => {
    const { code, out, err } = await gate();
    expect(code).toBe(0);
    expect(out.map((line) => JSON.parse(line) as unknown)).toEqual([
      { wave: "rest", revision: good, outcome: "passed", succeeded: 2 },
    ]);
    expect(err.join("\n")).toContain("dev-1  updated");
    expect(gateResult(out[0] ?? "", good)).toBe("passed: 2 succeeded");

    fake.instances = [vm("dev-1"), vm("dev-2", failed)];
    const again = await gate({ PULUMI_COMMAND_STDOUT: out[0] });
    expect(again.code).toBe(1);
    expect(again.err.at(-1)).toContain("has passed bbbbbbb before: nothing is held or rolled back");
    expect(control()).toBeUndefined();
    expect((await gate({ PULUMI_COMMAND_STDOUT: "an older gate's output" })).code).toBe(1);
    expect(control()).toContain(good);
  });

  it("that is deleted forgets what gates wrote about its wave, and with the last wave everything", async () => {
    const hold = (scope: string) => ({ scope, by: "eve", why: "x", at: "2026-06-01T10:00:00.000Z" });
    const halt = { ...hold("wave:rest"), revision: good };
    const control = { ...noControl, holds: [hold("wave:canary"), hold("wave:rest"), halt, hold("fleet")] };
    const instead = { canary: { [good]: old }, rest: { [good]: old } };
    fake.metadata[controlKey("devs", "dev")] = serializeControl({ ...control, instead, pins: { "dev-1": old } }) ?? "";
    const deleted = (wave: string) => runFleet(["await", "--forget"], env({ NIXOS_FLEET_WAVE: wave }));
    expect(await deleted("rest")).toEqual({ code: 0, out: [], err: [] });
    expect(JSON.parse(fake.metadata[controlKey("devs", "dev")] ?? "")).toEqual({
      holds: [hold("wave:canary"), hold("wave:rest"), hold("fleet")],
      pins: { "dev-1": old },
      instead: { canary: { [good]: old } },
      retry: [],
    });
    Reflect.deleteProperty(fake.metadata, approvalKey("devs", "dev", "rest"));
    expect((await deleted("canary")).code).toBe(0);
    expect(Object.keys(fake.metadata)).toEqual([approvalKey("devs", "dev", "canary")]);
  });

  it("holds nothing where a later wave has the revision already", async () => {
    fake.instances = [vm("dev-1"), vm("dev-2", failed)];
    const { code } = await gate({ NIXOS_FLEET_WAVE: "canary", NIXOS_FLEET_LATER_WAVES: "rest" });
    expect([code, control()]).toEqual([1, undefined]);
  });

  it("undoes its revision too where that was rolled back in a wave before, unless its wave has passed it", async () => {
    const undone = serializeControl({ ...noControl, instead: { canary: { [good]: old } } }) ?? "";
    fake.metadata[controlKey("devs", "dev")] = undone;
    fake.instances = [vm("dev-1", { revision: old, approved: old }), vm("dev-2", { revision: old, approved: old })];
    const passed = JSON.stringify({ wave: "rest", revision: good, outcome: "passed" });
    expect([(await gate({ PULUMI_COMMAND_STDOUT: passed })).code, control()]).toEqual([1, undone]);
    // Who waits by hand only looks on.
    const { NIXOS_FLEET_MEMBERS: _, ...byHand } = env();
    expect([(await runFleet(["await"], byHand)).code, control()]).toEqual([1, undone]);

    const { code, err } = await gate();
    expect(code).toBe(1);
    expect(err.join("\n")).toContain("bbbbbbb was rolled back in wave canary");
    expect(err.at(-1)).toBe("wave rest: its VMs do not go to bbbbbbb either");
    const instead = { canary: { [good]: old }, rest: { [good]: old } };
    expect(JSON.parse(control() ?? "")).toMatchObject({ instead });
    expect((await gate()).code).toBe(1);
    expect(JSON.parse(control() ?? "")).toMatchObject({ instead });
  });

  it("writes no undo for a wave that is approved for something else, nor for one in a later wave", async () => {
    const undone = (wave: string) => serializeControl({ ...noControl, instead: { [wave]: { [good]: old } } }) ?? "";
    fake.metadata[controlKey("devs", "dev")] = undone("canary");
    fake.metadata[approvalKey("devs", "dev", "rest")] = JSON.stringify(approval(old));
    expect([(await gate()).code, control()]).toEqual([1, undone("canary")]);
    fake.metadata[controlKey("devs", "dev")] = undone("rest");
    await gate({ NIXOS_FLEET_WAVE: "canary", NIXOS_FLEET_LATER_WAVES: "rest" });
    expect(control()).toBe(undone("rest"));
  });

  it("ends when what started it is gone, and writes nothing", async () => {
    fake.instances = [vm("dev-1"), vm("dev-2", { revision: old, approved: old })];
    const launcher = resolve(__dirname, "../../../scripts/fleet");
    const shell = execa("sh", ["-c", `${launcher} await & echo $!; wait`], {
      env: { ...env(), PATH: process.env["PATH"] },
      extendEnv: false,
      reject: false,
    });
    let pid = 0;
    shell.stdout.on("data", (data: Buffer) => (pid ||= Number(data.toString())));
    await new Promise<void>((waits) =>
      shell.stderr.on("data", (data: Buffer) => {
        if (data.toString().includes("waiting for 2 VMs")) waits();
      }),
    );
    shell.kill("SIGKILL");
    await until(`the gate ${pid} ends after its parent`, 20, () => !isThere(pid));
    expect(control()).toBeUndefined();
  });
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("what Pulumi keeps of a gate", () => {
  it("is bounded: Linux takes no larger variable", () => {
    const lines: string[] = [];
    const print = bounded((line) => lines.push(line), 100);
    for (let line = 0; line < 50; line += 1) print("x".repeat(30));
    expect(lines).toHaveLength(4);
    expect(lines.at(-1)).toContain("the rest is left out");
  });

  it("is the wave's and the revision's own, and of a gate that passed", () => {
    const summary = { wave: "rest", revision: good, outcome: "passed" };
    const says = (changes: object) => saysPassed(JSON.stringify({ ...summary, ...changes }), summary);
    expect(says({})).toBe(true);
    for (const changes of [{ wave: "canary" }, { revision: old }, { outcome: "failed" }])
      expect(says(changes)).toBe(false);
    for (const text of [undefined, "", "null", "wave rest runs bbbbbbb"]) expect(saysPassed(text, summary)).toBe(false);
  });

  it("says in the stack's outputs that another revision has passed, and not the approved one", () => {
    const passed = JSON.stringify({ wave: "rest", revision: old, outcome: "passed", succeeded: 2 });
    expect(gateResult(passed, good)).toBe("has not passed; before it aaaaaaa passed: 2 succeeded");
    expect(gateResult(passed, old)).toBe("passed: 2 succeeded");
  });

  it("reads well in the stack's outputs", () => {
    const passed = { revision: good, outcome: "passed", deferred: 2, reason: "nothing proved bbbbbbb: 2 stopped" };
    expect(gateResult(JSON.stringify(passed), good)).toBe("passed: 2 deferred; nothing proved bbbbbbb: 2 stopped");
    for (const text of ["", "wave rest runs bbbbbbb", "{}"]) expect(gateResult(text, good)).toBe("unknown");
  });
});
