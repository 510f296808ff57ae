/** Homes with a repository of their own: when an approval moves them, and when their branch does. */
import { describe, expect, it } from "vitest";
import { decideHome, type HomeInput } from "../../../../rules/decision/decide-home";
import { A, approve, B, C, decideCase, lock, written, type Case } from "./cases";

const own = { user: "eve", attribute: "eve", repository: "git://x/home.git" };
const key = `${own.repository}#main`;
const approved = (wave: string, home: string, revision = A) =>
  written(wave, JSON.stringify({ revision, lock, homes: { [key]: { revision: home, lock } } }));

/** What root tells the home of what is approved for it; undefined where its branch counts. */
const approvedFor = (given: Case) =>
  decideCase({ state: { revision: A, approved: A }, head: A, ...given }).settings.homes[0]?.approved;

describe("what root tells a home", () => {
  const homes = [own];

  it("is its approval where the machine follows approvals, and nothing where it follows its branch", () => {
    expect(approvedFor({ instance: { homes, follow: "approved" }, attributes: approved("rest", B) })).toEqual({
      revision: B,
      lock,
    });
    expect(approvedFor({ instance: { homes }, attributes: approved("rest", B) })).toBeUndefined();
  });

  it("is its approval while a rollout is open, of systems or of homes", () => {
    for (const canary of [approved("canary", B, B), approved("canary", C)])
      expect(approvedFor({ instance: { homes }, attributes: { ...approved("rest", B), ...canary } })).toMatchObject({
        revision: B,
      });
  });

  it("is nothing to go to while another wave alone names one", () => {
    const attributes = { ...approve({ rest: A }), ...approved("canary", C) };
    expect(approvedFor({ instance: { homes }, attributes })).toEqual({});
  });

  it("is nothing to go to where none is approved", () => {
    expect(approvedFor({ instance: { homes, follow: "approved" }, attributes: approve({ rest: A }) })).toEqual({});
  });

  it("leaves homes of the config repository alone", () => {
    const plain = { user: "eve", attribute: "eve" };
    expect(
      approvedFor({ instance: { homes: [plain], follow: "approved" }, attributes: approved("rest", B) }),
    ).toBeUndefined();
  });
});

describe("a home", () => {
  type Given = Partial<HomeInput>;
  const decide = (approved: { revision?: string; lock?: string } | undefined, given: Given = {}) =>
    decideHome({
      user: "eve",
      homes: { revision: A, homes: [{ ...own, ...(approved === undefined ? {} : { approved }) }] },
      alone: false,
      settings: {},
      state: { revision: A },
      localHold: null,
      right: "head",
      force: false,
      drifted: false,
      head: C,
      ...given,
    });

  it("runs what is approved for it, and says so", () => {
    expect(decide({ revision: B, lock })).toMatchObject({
      action: "update",
      approved: B,
      target: { revision: B, lock, explicit: true },
    });
    expect(decide({ revision: A, lock })).toMatchObject({ action: "stay", outcome: "unchanged" });
  });

  it("waits where an approval is needed and there is none", () => {
    expect(decide({})).toMatchObject({ action: "stay", outcome: "deferred" });
  });

  it("runs its branch where nothing is said of approvals", () => {
    expect(decide(undefined)).toMatchObject({ action: "update", target: { revision: C, explicit: false } });
  });

  it.each([
    ["another one", "/var/lib/nixos-auto-update/mirror.git", true],
    ["the same", own.repository, false],
    ["one that was not noted", undefined, false],
  ])("need not descend from what it runs where that came from %s: %s", (_, repository, explicit) => {
    const state = { revision: A, ...(repository === undefined ? {} : { repository }) };
    expect(decide(undefined, { state })).toMatchObject({ target: { explicit } });
  });

  it("is held by its user", () => {
    expect(decide({ revision: B, lock }, { localHold: { by: "eve", why: "demo" } })).toMatchObject({
      action: "stay",
      outcome: "held",
      reason: "held by eve: demo",
    });
  });

  it.each([
    ["of its own", own],
    ["of the machine's", { user: "eve", attribute: "eve" }],
  ])("with a repository %s is held with its machine", (_, home) => {
    const homes = { revision: B, homes: [home], held: "held by carol: demo at 3" };
    const expected = { action: "stay", outcome: "held", reason: "the machine is held by carol: demo at 3" };
    expect(decide(undefined, { homes })).toMatchObject(expected);
    expect(decide(undefined, { homes, wanted: B, force: true })).toMatchObject(expected);
    // What a newer agent may write is a hold too.
    expect(decide(undefined, { homes: { ...homes, held: { by: "carol" } as never } })).toMatchObject({
      ...{ outcome: "held", reason: "the machine is held" },
    });
  });

  it("does not go to its branch's head before the machine has said what homes may run", () => {
    const settings = { attribute: "eve", repository: own.repository };
    expect(decide(undefined, { homes: null, settings })).toMatchObject({
      ...{
        action: "stay",
        outcome: "deferred",
        reason: expect.stringContaining("has not said since it booted what homes may run") as string,
      },
    });
    expect(decide(undefined, { homes: null, settings, person: true })).toMatchObject({ action: "stay" });
    expect(decide(undefined, { homes: null, settings, force: true })).toMatchObject({ action: "update" });
    // A machine without an agent never says so.
    expect(decide(undefined, { homes: null, settings, alone: true })).toMatchObject({ action: "update" });
  });

  describe("whose run may not go to the branch's head", () => {
    const approval = { revision: B, lock };
    const bound = (given: Given) =>
      decide(undefined, {
        right: "approved",
        homes: { revision: A, homes: [{ ...own, approval }] },
        ...given,
      });

    it("goes to what is approved", () => {
      expect(bound({ descends: false })).toMatchObject({ action: "update", target: { revision: B } });
    });

    it("stays where it is ahead of that, and asks whether it is", () => {
      expect(bound({})).toMatchObject({ need: { kind: "descent", revision: B, deployed: A } });
      expect(bound({ descends: true })).toMatchObject({
        action: "stay",
        outcome: "unchanged",
        target: { revision: A },
      });
    });

    it("does nothing where nothing is approved", () => {
      expect(bound({ homes: { revision: A, homes: [own] } })).toMatchObject({
        action: "stay",
        outcome: "unchanged",
        nothingApproved: true,
      });
    });
  });

  it("without a repository of its own runs the machine's revision, unless that failed before", () => {
    const homes = { revision: B, lock, homes: [{ user: "eve", attribute: "eve" }] };
    expect(decide(undefined, { homes })).toMatchObject({ action: "update", target: { revision: B, lock } });
    expect(decide(undefined, { homes: {} })).toMatchObject({ action: "stay", outcome: "deferred" });
    const refused = [{ revision: B, error: "boom", rolledBack: true, at: "" }];
    expect(decide(undefined, { homes, state: { revision: A, refused } })).toMatchObject({ outcome: "failed" });
    expect(decide(undefined, { homes, state: { revision: A, refused }, force: true })).toMatchObject({
      action: "update",
    });
  });
});
