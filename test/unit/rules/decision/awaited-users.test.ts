/** Which processes of users a switch waits for: what a user can change about a process makes no difference. */
import { describe, expect, it } from "vitest";
import { awaitedUsers, descendants, type RunningProcess } from "../../../../rules/decision/awaited-users";

const [ROOT, ALICE] = [0, 1000];
const one = (pid: number, parent: number, uid: number, startTicks = pid): RunningProcess => ({
  pid,
  parent,
  uid,
  startTicks,
});
/** The agent's child, which delays a shutdown, the switch that it started, and an activation script of this. */
const switching = [one(10, 1, ROOT), one(11, 10, ROOT), one(12, 11, ROOT)];
const programs = new Set([11]);
const pids = (running: readonly RunningProcess[]) => running.map(({ pid }) => pid);

describe("descendants", () => {
  it("are the process, its children and theirs, in any order", () => {
    const all = [one(30, 20, ALICE), one(20, 10, ALICE), one(10, 1, ROOT), one(40, 1, ALICE)];
    expect(pids(descendants(10, all))).toEqual([30, 20, 10]);
  });

  it("end where a process is its own parent", () => {
    expect(pids(descendants(0, [one(0, 0, ROOT), one(10, 1, ROOT)]))).toEqual([0]);
  });
});

describe("the users that a switch waits for", () => {
  it("are those of its children that are not root's, and what these started", () => {
    const tree = [...switching, one(21, 20, ALICE), one(20, 11, ALICE)];
    expect(pids(awaitedUsers(tree, ROOT, programs, []))).toEqual([20, 21]);
  });

  it("do not include those that an activation script started", () => {
    expect(awaitedUsers([...switching, one(20, 12, ALICE)], ROOT, programs, [])).toEqual([]);
  });

  it("remain with what they started whatever user it becomes", () => {
    const before = awaitedUsers([...switching, one(20, 11, ALICE)], ROOT, programs, []);
    const after = awaitedUsers([...switching, one(20, 11, ROOT), one(21, 20, ROOT)], ROOT, programs, before);
    expect(after).toEqual([one(20, 11, ALICE), one(21, 20, ALICE)]);
  });

  it("do not include a process that was given the id of one that has ended", () => {
    const before = [one(20, 11, ALICE)];
    expect(awaitedUsers([...switching, one(20, 11, ROOT, 99)], ROOT, programs, before)).toEqual([]);
  });
});
