/** What a gate does between its VMs' answers and its end: waiting on, holding, undoing, going on. */
import { beforeEach, describe, expect, it } from "vitest";
import { approvalKey, controlKey } from "../../../rules/contract";
import { react, type Reacted } from "../../../cli/gate/on-failure";
import type { Reaction } from "../../../rules/gate/reaction";
import { approval, good, hold, old, other } from "../cli/fleet-samples";
import { id, options, Project } from "./project";
import type { Report } from "../../../rules/report";

const failure: Partial<Report> = { revision: old, outcome: "failed", stage: "build", error: "no" };
const later = "2026-01-01T12:00:30Z";

describe("a pause", () => {
  const soak = { pause: 60 };

  it("lets the wave run the revision before it passes, and looks at VMs that have answered again", async () => {
    const project = new Project(["a"]);
    project.events = [[3, () => project.say("a", { at: "2026-01-01T12:00:03Z" })]];
    const end = await project.run(soak);
    expect(end.outcome).toBe("passed");
    expect(end.took).toBeGreaterThanOrEqual(63);
    expect(end.took).toBeLessThan(66);
    expect(project.lines).toContain("wave rest has answered; it has to run the revision for another 1 min");
    expect(project.asked.length).toBeGreaterThan(10);
  });

  it.each([
    ["a fast clock", 3_600],
    ["a slow clock", -3_600],
  ])("lasts as long on a machine with %s, if the gate saw the VM's report", async (_, seconds) => {
    const project = new Project(["a"]);
    project.wrongBy = seconds;
    project.events = [[3, () => project.say("a", { at: "2026-01-01T12:00:03Z" })]];
    const end = await project.run(soak);
    expect(end.took).toBeGreaterThanOrEqual(63);
    expect(end.took).toBeLessThan(66);
  });

  it("counts a failure in it", async () => {
    const project = new Project(["a", "b"]);
    project.say("a", {});
    project.say("b", {});
    project.events = [[30, () => project.say("b", { outcome: "failed", stage: "health", error: "died", at: later })]];
    expect(await project.run(soak)).toMatchObject({ outcome: "failed", reason: "1 of 2 failed, none may" });
    expect(project.time).toBeLessThan(45);
  });

  it("goes on where a gate before it was, and is over when that is long ago", async () => {
    const project = new Project(["a"]);
    project.say("a", { at: "2026-01-01T11:59:20Z" });
    expect((await project.run(soak)).took).toBeCloseTo(20, 0);
    project.say("a", { at: "2026-01-01T09:00:00Z" });
    project.time = 0;
    expect((await project.run(soak)).took).toBe(0);
  });

  it("waits for a VM that is started in it, for as long as for any other", async () => {
    const project = new Project(["a", "b"]);
    project.states.set("b", "TERMINATED");
    project.say("a", {});
    project.events = [
      [50, () => project.states.set("b", "RUNNING")],
      [90, () => project.say("b", {})],
    ];
    expect((await project.run(soak)).outcome).toBe("passed");
    expect(project.time).toBeGreaterThanOrEqual(90);
  });
});

describe("a person's hold", () => {
  const held = (scope: string) => ({ [controlKey("devs", "dev")]: JSON.stringify({ holds: [hold(scope)] }) });

  it("of the wave ends its gate, and nothing is written for that", async () => {
    for (const scope of ["fleet", "wave:rest"]) {
      const project = new Project(["a", "b"]);
      project.say("a", {});
      project.metadata = { ...project.metadata, ...held(scope) };
      expect(await project.run()).toMatchObject({
        outcome: "failed",
        stopped: true,
        reason: expect.stringMatching(/held by eve@desk: demo; after resume, pulumi up goes on with bbbbbbb/) as string,
      });
    }
  });

  it("does not end a gate whose VMs were through before, nor does one of a VM", async () => {
    const project = new Project(["a"]);
    project.say("a", {});
    project.metadata = { ...project.metadata, ...held("fleet") };
    expect((await project.run()).outcome).toBe("passed");
    const other = new Project(["a", "b"]);
    other.say("a", {});
    other.metadata = { ...other.metadata, ...held("vm:b") };
    expect((await other.run()).outcome).toBe("passed");
  });
});

describe("a wave that failed", () => {
  let project: Project;
  beforeEach(() => {
    project = new Project(["canary", "a", "b"]);
    project.waves.set("canary", "canary");
    project.metadata = Object.fromEntries(
      [["canary", good] as const, ["rest", good] as const, ["last", old] as const].map(([wave, revision]) => [
        approvalKey("devs", "dev", wave),
        JSON.stringify(approval(revision)),
      ]),
    );
    const now = new Date().toISOString();
    project.say("canary", { at: now });
    project.say("a", { at: now });
    project.say("b", { ...failure, at: now });
  });
  const reacted = async (wanted: Reaction): Promise<Reacted> =>
    react(project.world(), id, options, await project.run(), wanted);

  it("holds its own wave and those before it while they are approved for the revision", async () => {
    expect(await reacted("hold")).toMatchObject({ done: "hold", waves: ["canary", "rest"] });
    const entry = {
      revision: good,
      by: "the gate of wave rest",
      why: "1 of 2 failed, none may; b: build failed: no",
    };
    expect(project.control().holds).toMatchObject([
      { scope: "wave:canary", ...entry },
      { scope: "wave:rest", ...entry },
    ]);
    expect(project.lines.at(-1)).toContain(`fleet retry ${good}`);
    // What a person asked to try again has been tried.
    project.metadata[controlKey("devs", "dev")] = JSON.stringify({ retry: [good, other] });
    project.time = 0;
    await react(project.world(), id, options, await project.run(), "hold");
    expect(project.control().retry).toEqual([other]);
  });

  it("is rolled back, waves before it too, and the gate waits for that", async () => {
    const end = await project.run();
    const back = (name: string) => project.say(name, { revision: old, at: later });
    project.events = [
      [4, () => back("canary")],
      [6, () => back("a")],
      [8, () => project.say("b", { revision: old, outcome: "unchanged", at: later })],
    ];
    const { done, waves, undo } = await react(project.world(), id, options, end, "rollback");
    expect([done, waves]).toEqual(["rollback", ["canary", "rest"]]);
    expect(project.control()).toMatchObject({
      holds: [],
      instead: { canary: { [good]: "previous" }, rest: { [good]: "previous" } },
    });
    expect(undo).toMatchObject({ outcome: "passed" });
    expect(project.lines.slice(-5)).toEqual([
      "VM      RESULT     RUNS     WHY",
      "canary  updated    aaaaaaa  -",
      "a       updated    aaaaaaa  -",
      "b       unchanged  aaaaaaa  -",
      "waves canary, rest left bbbbbbb: 3 succeeded, after 8 s",
    ]);
  });

  it("is held rather than rolled back where the revision has stood there for days", async () => {
    project.say("a", { at: "2020-01-01T00:00:00Z" });
    expect(await reacted("rollback")).toMatchObject({ done: "hold" });
    expect(project.lines.join("\n")).toContain("has run on these VMs for days");
    expect(project.control().instead).toEqual({});
  });

  it("is not held or rolled back where it passed before, nor where its VMs are not there or try again by themselves", async () => {
    const before = await project.run({ passedBefore: true });
    expect(await react(project.world(), id, { ...options, passedBefore: true }, before, "rollback")).toMatchObject({
      done: "none",
    });
    expect(project.lines.at(-1)).toBe("wave rest has passed bbbbbbb before: nothing is held or rolled back");

    project.say("b", { at: new Date().toISOString() });
    project.time = 0;
    const given = { ...options, members: ["a", "b", "c"], bootTimeout: 60 };
    const missing = await project.run(given);
    expect(missing).toMatchObject({ outcome: "failed", reason: "1 of 3 failed, none may" });
    expect(await react(project.world(), id, given, missing, "hold")).toMatchObject({ done: "none" });
    expect(project.lines.at(-1)).toBe("the VMs that failed are not there: nothing is held or rolled back");

    project.say("b", { ...failure, stage: "fetch", transient: true });
    project.time = 0;
    const transient = await project.run({ timeout: 60 });
    expect(transient).toMatchObject({ outcome: "failed", stopped: false });
    expect(await react(project.world(), id, options, transient, "rollback")).toMatchObject({ done: "none" });
    expect(project.control()).toMatchObject({ holds: [], instead: {} });
  });

  it("changes nothing where nothing is asked for, or the rollout is to go on", async () => {
    for (const wanted of ["none", "continue"] as const) {
      expect(await reacted(wanted)).toMatchObject({ done: wanted, waves: [] });
      expect(project.control().holds).toEqual([]);
    }
    expect(project.lines.at(-1)).toContain("the next wave is approved all the same");
  });

  it("is held although the API does not answer for a minute", async () => {
    const end = await project.run();
    project.down = true;
    const world = project.world();
    setTimeout(() => (project.down = false), 1_500);
    expect((await react(world, id, options, end, "hold")).done).toBe("hold");
    expect(project.control().holds).toHaveLength(2);
  });
});
