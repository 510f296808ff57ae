/** Homes with a repository of their own: when an approval moves them, and when their branch does. */
import { describe, expect, it } from "vitest";
import { A, approve, B, C, decideAll, lock, runAll, written, type Case } from "./decide-cases";

const own = { user: "eve", attribute: "eve", repository: "git://x/home.git" };
const key = `${own.repository}#main`;
const approved = (wave: string, home: string, revision = A) =>
  written(wave, JSON.stringify({ revision, lock, homes: { [key]: { revision: home, lock } } }));

/** What root tells the home of what is approved for it; undefined where its branch counts. */
const told = (given: Case) =>
  (
    decideAll([{ state: { revision: A, approved: A }, head: A, ...given }])[0]?.settings["homes"] as {
      approved?: object;
    }[]
  )[0]?.approved;

describe("what root tells a home", () => {
  const homes = [own];

  it("is its approval where the machine follows approvals, and nothing where it follows its branch", () => {
    expect(told({ instance: { homes, follow: "approved" }, attributes: approved("rest", B) })).toEqual({
      revision: B,
      lock,
    });
    expect(told({ instance: { homes }, attributes: approved("rest", B) })).toBeUndefined();
  });

  it("is its approval while a rollout is open, of systems or of homes", () => {
    for (const canary of [approved("canary", B, B), approved("canary", C)])
      expect(told({ instance: { homes }, attributes: { ...approved("rest", B), ...canary } })).toMatchObject({
        revision: B,
      });
  });

  it("is nothing to go to where none is approved", () => {
    expect(told({ instance: { homes, follow: "approved" }, attributes: approve({ rest: A }) })).toEqual({});
  });

  it("leaves homes of the config repository alone", () => {
    const plain = { user: "eve", attribute: "eve" };
    expect(told({ instance: { homes: [plain], follow: "approved" }, attributes: approved("rest", B) })).toBeUndefined();
  });
});

describe("a home", () => {
  const decide = (approval: object | undefined, given: object = {}) =>
    runAll("decide-home", "decide", [
      {
        user: "eve",
        homes: { revision: A, homes: [{ ...own, ...(approval ? { approved: approval } : {}) }] },
        settings: {},
        state: { revision: A },
        head: C,
        ...given,
      },
    ])[0];

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
    ["one that nobody noted", undefined, false],
  ])("need not descend from what it runs where that came from %s: %s", (_, repository, explicit) => {
    expect(decide(undefined, { state: { revision: A, repository } })).toMatchObject({ target: { explicit } });
  });
});
