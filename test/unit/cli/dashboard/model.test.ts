/** What the page shows, decided from the document alone. */
import { describe, expect, it } from "vitest";
import { applyChange, changeBetween } from "../../../../cli/dashboard/model/change";
import { holdViews, lockViews, verdictOf } from "../../../../cli/dashboard/model/fleet";
import { rolloutView, waveOrder } from "../../../../cli/dashboard/model/rollout";
import { grouped, keeps, noFilter, tileOf } from "../../../../cli/dashboard/model/tiles";
import { timeline } from "../../../../cli/dashboard/model/timeline";
import { ago } from "../../../../cli/dashboard/model/text";
import type { PageDocument } from "../../../../cli/dashboard/document";
import { hold } from "../fleet-samples";
import { before, documentOf, failed, minutesAgo, now, rolling, target, well } from "./documents";

const at = now.getTime();
const verdict = (document: PageDocument) => verdictOf(document, rolloutView(document));

describe("the verdict", () => {
  it.each<[string, PageDocument, string, string[]]>([
    ["a fleet that is well", documentOf(well(3)), "well", ["every VM runs what it should"]],
    ["an open rollout", documentOf(rolling(12)), "busy", ["the rollout of d4e5f6a is open"]],
    ["no VM", documentOf({ approvals: {}, vms: [] }), "well", ["the fleet has no VM yet"]],
    [
      "a fleet that is well where something of the page cannot be read",
      { ...documentOf(well(1)), problems: ["the history cannot be read: away"] },
      "well",
      ["every VM runs what it should", "the history cannot be read: away"],
    ],
  ])("of %s", (_, document, kind, details) => {
    expect(verdict(document)).toMatchObject({
      verdict: kind,
      details: expect.arrayContaining(details) as string[],
    });
  });

  it("names each trouble of a failed rollout", () => {
    expect(verdict(documentOf(failed(12)))).toEqual({
      verdict: "attention",
      title: "Needs attention",
      details: [
        "1 VM failed",
        "1 VM without a valid report",
        "a home needs attention on 2 VMs",
        "the rollout of d4e5f6a does not go on",
      ],
    });
  });
});

describe("the rollout", () => {
  it("shows its waves in the order of approval, with budget, proof and what is waited for", () => {
    const view = rolloutView(documentOf(rolling(80)));
    expect(view).toMatchObject({ open: true, revision: "d4e5f6a", urgent: null });
    expect(view?.waves.map(({ name, state, total, done }) => [name, state, total, done])).toEqual([
      ["canary", "passed", 2, 2],
      ["research", "running", 26, 22],
      ["rest", "waiting", 52, 0],
    ]);
    const [canary, research] = view?.waves ?? [];
    expect(canary).toMatchObject({
      budget: "0 failed, none may fail",
      proof: "proved by 2 VMs, 1 needed",
      pending: [],
    });
    expect(research).toMatchObject({ budget: "0 failed, at most 10% may fail" });
    expect(research?.pending.map(({ why }) => why)).toContain("updating (build, 2 min)");
  });

  it("says who holds the wave that failed, and why", () => {
    const canary = rolloutView(documentOf(failed(12)))?.waves[0];
    expect(canary).toMatchObject({
      state: "failed",
      failed: 1,
      why: expect.stringMatching(/^held by the gate of wave canary: 1 VM failed/) as string,
    });
  });

  it("is over where every wave passed, and a person's hold after that does not open it again", () => {
    const sample = well(3);
    expect(rolloutView(documentOf({ ...sample, control: { holds: [hold("fleet")] } }))).toMatchObject({ open: false });
  });

  it("shows a wave as rolled back where its revision was rolled back", () => {
    const control = { instead: { canary: { [target]: "previous" } } };
    expect(rolloutView(documentOf({ ...failed(3), control }))?.waves[0]?.state).toBe("undone");
  });

  it("goes by the approvals where there is no history", () => {
    const { status } = documentOf({ ...rolling(12), history: [] });
    expect(waveOrder(status, [])).toEqual(["canary", "research", "rest"]);
    expect(rolloutView({ status, history: [] })?.waves.map(({ budget, proof }) => budget + proof)).toEqual([
      "",
      "",
      "",
    ]);
  });

  it("does not exist where nothing is approved", () => {
    expect(rolloutView(documentOf({ ...well(2), approvals: {}, history: [] }))).toBeNull();
  });
});

describe("tiles", () => {
  const { vms } = documentOf(failed(12)).status;
  const tiles = vms.map((vm) => tileOf(vm, at));

  it("have what is needed to judge a VM", () => {
    expect(tiles[0]).toEqual({
      name: "dev-alice",
      drift: "failed",
      wave: "canary",
      owner: "alice",
      current: "a81f10e",
      desired: "d4e5f6a",
      age: "3 min ago",
      homes: [{ user: "alice", drift: "none", text: "a81f10e" }],
      why: "health failed, rolled back: fleet-demo.service is failed",
    });
    expect(tiles[4]?.why).toBe("build failed: attribute 'ripgrep-all' missing");
  });

  it("are in groups, what needs a person first", () => {
    expect(grouped(tiles).map(({ name, tiles: own }) => [name, own.map(({ drift }) => drift).slice(0, 2)])).toEqual([
      ["Needs attention", ["failed", "unknown"]],
      ["Current", ["none", "none"]],
    ]);
  });

  it.each([
    [{ text: "ALICE health" }, ["dev-alice"]],
    [{ text: "ripgrep" }, ["dev-erin"]],
    [{ text: "d4e5f6a", wave: "canary" }, ["dev-alice"]],
    [{ drift: "unknown" as const }, ["dev-carol"]],
    [{ drift: "homes" as const }, ["dev-carol", "dev-erin"]],
    [{ wave: "rest", text: "canary" }, []],
  ])("that fit %j", (filter, names) => {
    const kept = vms.filter((vm) => keeps({ ...noFilter, ...filter }, vm));
    expect(kept.map(({ name }) => name)).toEqual(names);
  });
});

describe("the timeline", () => {
  it("joins a revision's gates to one rollout with its waves, and keeps what people did apart", () => {
    const items = timeline(documentOf(rolling(40)).history);
    expect(items.map(({ title, outcome, took }) => [title, outcome, took])).toEqual([
      ["rollout of d4e5f6a", "started", ""],
      ["rollout of a81f10e", "passed", "21 min"],
      ["hold, the fleet", "done", ""],
    ]);
    expect(items[0]?.waves.map(({ name, outcome, counts }) => [name, outcome, counts])).toEqual([
      ["canary", "passed", "1 succeeded"],
      ["research", "started", ""],
    ]);
  });

  it("takes a wave's last word, so that a second try ends a failure", () => {
    const gate = { by: "eve", from: "x", event: "gate", scope: "wave:canary", revision: target } as const;
    const items = timeline([
      { ...gate, at: minutesAgo(1), outcome: "passed", took: 60 },
      { ...gate, at: minutesAgo(10), outcome: "failed", took: 60, why: "1 VM failed" },
    ]);
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ outcome: "passed", why: "", took: "10 min" });
  });

  it("bears times that are none", () => {
    const [item] = timeline([{ at: "x", by: "eve", from: "x", event: "gate", scope: "wave:a", outcome: "passed" }]);
    expect(item).toMatchObject({ at: "x", took: "" });
  });
});

describe("lists", () => {
  it("show holds that count, pins and rollbacks", () => {
    const control = {
      holds: [hold("fleet"), hold("wave:rest", before)],
      pins: { "dev-bob": before },
      instead: { canary: { [target]: "previous" } },
    };
    const { status } = documentOf({ ...well(3), control });
    expect(holdViews(status, at).map(({ what }) => what)).toEqual([
      "the fleet held",
      "VM dev-bob pinned to a81f10e",
      "wave canary rolled back from d4e5f6a",
    ]);
  });

  it("show the oldest input first, and one without a date last", () => {
    const inputs = [
      { input: "a", source: "", revision: null, at: null },
      { input: "b", source: "", revision: target, at: minutesAgo(60 * 24 * 3) },
      { input: "c", source: "", revision: target, at: minutesAgo(60 * 24 * 60) },
    ];
    expect(lockViews({ revision: target, inputs }, at).map(({ input, days, share }) => [input, days, share])).toEqual([
      ["c", 60, 1],
      ["b", 3, 0.05],
      ["a", null, 0],
    ]);
    expect(lockViews(null, at)).toEqual([]);
  });
});

describe("a change", () => {
  it("names only the VMs that differ, and leaves the others the same objects", () => {
    const [one, two] = [documentOf(rolling(40)), documentOf(rolling(40))];
    const [vm] = two.status.vms;
    if (vm !== undefined) vm.reason = "something else";
    const change = changeBetween(one, two);
    expect(change).toMatchObject({ names: null, rest: null, vms: [{ name: "dev-alice" }] });
    const next = applyChange(one, JSON.parse(JSON.stringify(change)) as typeof change);
    expect(next).toEqual(two);
    expect(next.status.vms[5]).toBe(one.status.vms[5]);
  });

  it.each([
    ["VMs that came", documentOf(well(3)), documentOf(well(5))],
    ["VMs that went", documentOf(well(5)), documentOf(well(3))],
    ["a rollout", documentOf(well(3)), documentOf(failed(12))],
  ])("of %s leads to the next document", (_, one, two) => {
    expect(
      applyChange(one, JSON.parse(JSON.stringify(changeBetween(one, two))) as ReturnType<typeof changeBetween>),
    ).toEqual(two);
  });
});

it.each([
  [0.2, "just now"],
  [-30, "in the future"],
  [59, "59 min ago"],
  [61, "1 h ago"],
  [60 * 49, "2 d ago"],
])("%d minutes ago is %s", (minutes, text) => {
  expect(ago(minutesAgo(minutes), at)).toBe(text);
});
