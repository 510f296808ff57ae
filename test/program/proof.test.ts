/** Rollouts that nothing proves, VMs that cannot be created, and VMs that are new in a wave that has passed. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { controlKey, short } from "../../rules/contract";
import { until } from "../setup/until";
import { fleetSucceeds, upEnds } from "./setup/outcome";
import { Program } from "./setup/program";

let program: Program;
beforeAll(async () => {
  program = await Program.start("proof");
  configure();
  await up();
});
afterAll(() => program.stop());

interface Given {
  vms?: object[];
  timeout?: string;
  bootTimeout?: string;
  rest?: object;
  canaries?: string[];
}

const usual = [{ name: "dev-1" }, { name: "dev-2" }, { name: "dev-3" }];

function configure({
  vms = usual,
  timeout = "2m",
  bootTimeout = "2m",
  rest = {},
  canaries = ["dev-1"],
}: Given = {}): void {
  program.configure({
    "nixos-fleet:deletionProtection": "false",
    "nixos-fleet:bootTimeout": bootTimeout,
    "nixos-fleet:vms": vms,
    "nixos-fleet:waves": [
      { name: "canary", vms: canaries, timeout },
      { name: "rest", rest: true, timeout, ...rest },
    ],
  });
}

const up = (ends?: "well" | "badly") => upEnds(program, ends);
const fleet = (...args: string[]) => fleetSucceeds(program, ...args);

const control = () => program.item(controlKey("devs", "proof"));
const runs = (...vms: string[]) => vms.map((vm) => program.vms.runs(vm));

describe("a canary that proves nothing stops the rollout, and nothing is held", () => {
  /**
   * The `up` that stops, and what it left alone; `undo` ends what kept the canary from it, and the next `up` goes on.
   * @param again whether another `up` before that runs the gate again
   */
  async function stops(reason: string, undo: () => unknown, again = false): Promise<void> {
    const good = program.approved("rest");
    const held = control();
    const next = await program.commit();
    const text = await up("badly");
    expect(text).toContain(`wave canary: nothing proved ${short(next)}: ${reason}; later waves are not approved`);
    expect(program.approved("rest")).toBe(good);
    expect(runs("dev-2", "dev-3")).toEqual([good, good]);
    expect(control()).toBe(held);
    if (again) expect(await up("badly")).toContain(`nothing proved ${short(next)}`);
    await undo();
    await up();
    expect(runs("dev-1", "dev-2", "dev-3")).toEqual([next, next, next]);
  }

  it("because it is switched off", async () => {
    await program.instance("dev-1", "stop");
    const start = async () => {
      await program.instance("dev-1", "start");
      await until("dev-1 runs it", 90, () => program.vms.runs("dev-1") === program.approved("canary"));
    };
    await stops("1 stopped", start, true);
  });

  it("because a person holds it", async () => {
    await fleet("hold", "--vm", "dev-1", "--why", "demo", "--by", "ann");
    await stops("1 held", () => fleet("resume", "--vm", "dev-1", "--by", "ann"));
  });
});

it("passes a later wave without proof, and says so", async () => {
  await program.instance("dev-2", "stop");
  await program.instance("dev-3", "stop");
  program.configure({
    "nixos-fleet:deletionProtection": "false",
    "nixos-fleet:vms": [...usual, { name: "dev-4" }],
    "nixos-fleet:waves": [
      { name: "canary", vms: ["dev-1"] },
      { name: "rest", vms: ["dev-2", "dev-3"] },
      { name: "last", rest: true },
    ],
  });
  const next = await program.commit();
  const text = await up();
  expect(text).toContain(`warning: wave rest: nothing proved ${short(next)}: 2 stopped`);
  expect(program.approved("last")).toBe(next);
  const { text: outputs } = await program.pulumi("stack", "output", "waves", "--json", "--stack", "proof");
  expect(JSON.parse(outputs)).toEqual({
    canary: { revision: next, gate: "passed: 1 succeeded" },
    rest: { revision: next, gate: `passed: 2 deferred; nothing proved ${short(next)}: 2 stopped` },
    last: { revision: next, gate: "passed: 1 succeeded" },
  });
  await program.instance("dev-2", "start");
  await program.instance("dev-3", "start");
});

describe("a VM that is new in a wave that has passed", () => {
  it("is waited for, and holds or undoes nothing where it fails", async () => {
    const head = program.approved("canary") ?? "";
    program.vms.silent.add("dev-5");
    configure({ vms: [...usual, { name: "dev-5" }], bootTimeout: "8s", rest: { onFailure: "rollback" } });
    const text = await up("badly");
    expect(text).toMatch(/dev-5 +failed +after .*did not report within 8 s of its start/);
    expect(text).toContain(`wave rest has passed ${short(head)} before: nothing is held or rolled back`);
    expect(control()).toBeUndefined();
    expect(runs("dev-1", "dev-2", "dev-3")).toEqual([head, head, head]);

    program.vms.silent.delete("dev-5");
    program.vms.look();
    expect(await up()).toContain(`wave rest runs ${short(head)}: 3 succeeded`);
  });
});

describe("a VM that cannot be created", () => {
  it("keeps a fix from no other, and is named", async () => {
    const allowed = program.refuse(/^POST .*\/zones\/europe-west1-c\/instances(\?|$)/);
    configure({ vms: [...usual, { name: "dev-4", zone: "europe-west1-c" }], bootTimeout: "10s" });
    const next = await program.commit();
    const { exitCode, text } = await program.run("up");
    expect(exitCode, text).not.toBe(0);
    expect(text).toContain("devs-dev-4-vm");
    expect(text).toContain("Quota 'CPUS' exceeded");
    expect(text).toMatch(/dev-4 +failed +after .*was not there within 10 s/);
    expect(runs("dev-1", "dev-2", "dev-3")).toEqual([next, next, next]);
    expect(control()).toBeUndefined();

    allowed();
    await up();
    expect(program.vms.runs("dev-4")).toBe(next);
  });

  it("keeps a fix from no other where it is the home disk that cannot be created", async () => {
    configure();
    await up();
    const allowed = program.refuse(/^POST .*\/disks(\?|$)/);
    configure({ vms: [...usual, { name: "dev-4", homeDisk: {} }], bootTimeout: "10s" });
    const next = await program.commit();
    const { exitCode, text } = await program.run("up");
    expect(exitCode, text).not.toBe(0);
    expect(text).toContain("dev-4-home cannot be created: ");
    expect(text).toContain("Quota 'CPUS' exceeded");
    expect(text).toMatch(/dev-4 +failed +after .*was not there within 10 s/);
    expect(runs("dev-1", "dev-2", "dev-3")).toEqual([next, next, next]);
    expect(control()).toBeUndefined();

    allowed();
    await up();
    expect(program.vms.runs("dev-4")).toBe(next);
  });

  it("keeps a fix from no other with --continue-on-error, also where more fail than may wait", async () => {
    configure();
    await up();
    const allowed = program.refuse(/^POST .*\/zones\/europe-west1-c\/instances(\?|$)/);
    const more = Array.from({ length: 10 }, (_, index) => ({ name: `new-${index}`, zone: "europe-west1-c" }));
    configure({ vms: [...usual, ...more], bootTimeout: "10s" });
    const next = await program.commit();
    const { exitCode, text } = await program.run("up", "--continue-on-error", "--parallel", "8");
    allowed();
    expect(exitCode, text).not.toBe(0);
    expect(runs("dev-1", "dev-2", "dev-3")).toEqual([next, next, next]);
    configure();
    await up();
  });

  it("ends the run where it is the home disk of a VM that changes waves, since the approvals wait for that", async () => {
    configure();
    await up();
    const good = program.approved("canary") ?? "";
    const allowed = program.refuse(/^POST .*\/disks(\?|$)/);
    configure({
      vms: [{ name: "dev-1" }, { name: "dev-2", homeDisk: {} }, { name: "dev-3" }],
      canaries: ["dev-1", "dev-2"],
    });
    const next = await program.commit();
    expect(await up("badly")).toContain("Quota 'CPUS' exceeded");
    expect(runs("dev-1", "dev-2", "dev-3")).toEqual([good, good, good]);

    allowed();
    await up();
    expect(runs("dev-1", "dev-2", "dev-3")).toEqual([next, next, next]);
  });
});
