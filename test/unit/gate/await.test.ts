import { describe, expect, it } from "vitest";
import { ApiError } from "../../../cli/google/api-error";
import { connect } from "../../../cli/google/compute";
import { pollInterval } from "../../../cli/gate/await";
import { old } from "../cli/fleet-samples";
import { Project } from "./project";

describe("a gate", () => {
  it("tells of each VM as it answers, and passes with the last", async () => {
    const project = new Project(["a", "b"]);
    project.events = [
      [3, () => project.say("b", {})],
      [9, () => project.say("a", { outcome: "unchanged" })],
    ];
    expect(await project.run()).toMatchObject({ outcome: "passed", reason: null });
    expect(project.lines).toEqual([
      "wave rest: waiting for 2 VMs to apply bbbbbbb",
      "b  updated  aaaaaaa → bbbbbbb  after 3 s",
      "a  unchanged  aaaaaaa → bbbbbbb  after 9 s",
      "",
      "VM  RESULT     RUNS     WHY",
      "a   unchanged  bbbbbbb  -",
      "b   updated    bbbbbbb  -",
      "wave rest runs bbbbbbb: 2 succeeded, after 9 s",
    ]);
    expect(project.asked.filter((name) => name === "b")).toHaveLength(4);
  });

  it("fails as soon as it is decided, and again at once", async () => {
    const project = new Project(["a", "b"]);
    project.events = [[5, () => project.say("a", { revision: old, outcome: "failed", stage: "build", error: "no" })]];
    expect(await project.run()).toMatchObject({ outcome: "failed", reason: "1 of 2 failed, none may", took: 5 });
    expect(project.lines.at(-1)).toBe(
      "wave rest failed: 1 of 2 failed, none may; later waves are not approved [NF301]",
    );
    project.time = 0;
    expect(await project.run()).toMatchObject({ outcome: "failed", took: 0 });
  });

  it("lives through an API that is down for a while, telling so once", async () => {
    const project = new Project(["a"]);
    project.events = [
      [2, () => (project.down = true)],
      [62, () => (project.down = false)],
      [64, () => project.say("a", {})],
    ];
    expect((await project.run()).outcome).toBe("passed");
    expect(project.lines.filter((line) => line.includes("API"))).toEqual([
      "the Compute API does not answer (HTTP 503: Backend Error); trying again",
      "the Compute API answers again",
    ]);
  });

  it("gives up on an API that stays down, in bounded time", async () => {
    const project = new Project(["a"]);
    project.down = true;
    await expect(project.run()).rejects.toThrow(
      "gave up on wave rest: the Compute API does not answer (HTTP 503: Backend Error)",
    );
    expect(project.time).toBeLessThan(900 + 11);
  });

  it("ends at once with an error that waiting does not fix", async () => {
    const project = new Project(["a"]);
    project.instances = () => Promise.reject(new ApiError("HTTP 403: no", 403, "forbidden", false));
    await expect(project.run()).rejects.toThrow("HTTP 403: no");
    expect(project.time).toBe(0);
  });

  it("does not count VMs that are stopped or deleted, and waits for those that come", async () => {
    const project = new Project(["a", "b", "c"]);
    project.say("a", {});
    project.events = [
      [3, () => project.states.set("b", "TERMINATED")],
      [3, () => project.states.set("d", "STAGING")],
      [6, () => project.states.delete("c")],
      [8, () => project.states.set("d", "RUNNING")],
      [8, () => project.say("d", {})],
    ];
    const end = await project.run();
    expect(end.outcome).toBe("passed");
    expect([...end.state.vms].map(([name, { result }]) => `${name} ${result}`)).toEqual([
      "a succeeded",
      "b deferred",
      "d succeeded",
    ]);
    expect(project.lines).toContain("c  deleted: not counted any more");
  });

  it("says that it still waits, and gives up after the timeout", async () => {
    const project = new Project(["a"]);
    const end = await project.run({ timeout: 100 });
    expect(end).toMatchObject({ outcome: "failed", reason: "1 of 1 failed, none may" });
    expect(end.took).toBeLessThan(109);
    expect(project.lines[1]).toMatch(/^rest: 0 of 1 done, waiting for a \(3\d s\)$/);
  });

  it("says every 30 s what it waits for, also where VMs answer all the time", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `b${index}`);
    const project = new Project(["a", ...names]);
    project.events = [
      ...names.map((name, index): [number, () => void] => [8 * (index + 1), () => project.say(name, {})]),
      [170, () => project.say("a", {})],
    ];
    await project.run();
    const said = project.lines.filter((line) => line.startsWith("rest: "));
    expect(said.length).toBeGreaterThanOrEqual(4);
    for (const line of said) expect(line).toMatch(/^rest: \d+ of 21 done, waiting for a\b.* \([^)]*\)$/);
  });

  it("says on Ctrl-C how to go on", async () => {
    const project = new Project(["a"]);
    project.events = [[5, () => project.interrupt.abort()]];
    expect((await project.run()).outcome).toBe("interrupted");
    expect(project.lines.at(-1)).toMatch(
      /stopped waiting for wave rest \(1 VM without an answer\).*Go on with pulumi up/,
    );
  });

  const google = connect({ project: "p", identity: { accessToken: "t" } });

  it("asks each VM rarely enough that its reports are not dropped", () => {
    // Google allows 10 queries a minute for each VM; the VM's own reports and a person who watches need some of them.
    expect(60_000 / pollInterval(google, 1)).toBeLessThan(8);
  });

  it("stays below half of Compute's quota, however many VMs", () => {
    for (const vms of [1, 10, 100, 1_000]) {
      // Each look asks every VM once, and lists and reads the project's metadata besides.
      expect(((vms + 3) * 60_000) / pollInterval(google, vms)).toBeLessThan(750);
    }
  });
});
