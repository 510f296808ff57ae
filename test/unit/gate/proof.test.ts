/** What lets later waves on: proof, and what is neither proof nor failure. */
import { describe, expect, it, test } from "vitest";
import { noProgress, type GateOptions, type Result } from "../../../rules/gate/state";
import { decide, step } from "../../../rules/gate/verdict";
import { decisions, good, hold, old, other, reading, reports, silent, vm } from "../cli/fleet-samples";
import { approved, before, look, options, resultOf, see } from "./samples";

const first: GateOptions = { ...options, laterWaves: ["last"], minSucceeded: 1 };
const verdict = (ends: string, changes: Partial<GateOptions> = {}, control = approved) => {
  const given = { ...first, ...changes };
  return decide(step(noProgress, look(ends, control), given), given);
};

test.each<[string, Partial<GateOptions>, string]>([
  ["d", {}, "unproved"],
  ["dd", {}, "unproved"],
  ["sd", {}, "passed"],
  ["sd", { minSucceeded: 2 }, "unproved"],
  ["ss", { minSucceeded: 2 }, "passed"],
  ["d", { minSucceeded: 0 }, "passed"],
  ["d", { laterWaves: [] }, "passed"],
  ["d", { passedBefore: true }, "passed"],
  ["f", {}, "failed"],
  ["fd", { maxFailures: { count: 1 } }, "unproved"],
  ["pd", {}, "open"],
])("a wave %j, with %j, is %s", (ends, changes, outcome) => {
  expect(verdict(ends, changes).outcome).toBe(outcome);
});

it("says what kept its VMs from proving the revision", () => {
  expect(verdict("dd")).toMatchObject({ reason: "nothing proved bbbbbbb: 2 stopped" });
  expect(verdict("sdf", { minSucceeded: 2, maxFailures: { count: 1 } })).toMatchObject({
    reason: "only 1 of 2 proved bbbbbbb: 1 stopped, 1 failed",
  });
  expect(verdict("d", { minSucceeded: 0 })).toMatchObject({ warning: "nothing proved bbbbbbb: 1 stopped" });
  expect(verdict("sd", { minSucceeded: 0 })).not.toHaveProperty("warning");
});

const waits = (waiting: "window" | "users" | "reboot" | "space" | "network" | "metadata") =>
  reading({ revision: old, outcome: "deferred", waiting: { for: waiting } });

test.each<[string, Parameters<typeof see>, string, string]>([
  ["waits for its window", [[[0, waits("window")]]], "deferred", "1 waits for its window"],
  ["waits for a reboot that a person makes", [[[0, waits("reboot")]]], "deferred", "1 waits for a reboot"],
  [
    "waits for a reboot that it makes itself, until its time is up",
    [
      [
        [0, waits("reboot")],
        [100, waits("reboot")],
      ],
      { with: { reboot: true } },
    ],
    "deferred",
    "1 waits for a reboot",
  ],
  [
    "waits for its users, until its time is up",
    [
      [
        [0, waits("users")],
        [100, waits("users")],
      ],
    ],
    "deferred",
    "1 waits for users to log out",
  ],
  [
    "never sees its new source",
    [
      [
        [0, reading({ revision: old, approved: old, outcome: "deferred", waiting: { for: "metadata" } })],
        [100, reading({ revision: old, approved: old, outcome: "deferred", waiting: { for: "metadata" } })],
      ],
    ],
    "deferred",
    "1 waits for its metadata to match the approval",
  ],
  ["has it for its next boot", [[[0, reading({ rebootRequired: true })]]], "deferred", "1 waits for a reboot"],
  [
    "has it for its next boot, as it says",
    [[[0, reading({ revision: old, pending: { revision: good, toplevel: "/nix/store/x" } })]]],
    "deferred",
    "1 waits for a reboot",
  ],
  ["runs what came after it", [[[0, reading({ revision: other, outcome: "unchanged" })]]], "succeeded", "1 past it"],
  [
    "is pinned to it",
    [[[0, reading()]], { control: decisions({ rest: good }, { pins: { a: good } }) }],
    "deferred",
    "1 pinned",
  ],
  ["is held", [[[0, before]], { control: decisions({ rest: good }, { holds: [hold("vm:a")] }) }], "deferred", "1 held"],
])("a VM that %s is neither a failure nor proof", (_, [looks, settings = {}], result, text) => {
  const given = { laterWaves: ["last"], minSucceeded: 1, ...settings.with };
  const state = see(looks, { ...settings, with: given });
  expect(resultOf(state)[0]).toBe(result);
  expect(decide(state, { ...options, ...given })).toEqual({
    outcome: "unproved",
    reason: `nothing proved bbbbbbb: ${text}`,
  });
});

test.each(["users", "space", "network", "metadata"] as const)("a gate waits while a VM waits for %s", (what) => {
  expect(resultOf(see([[0, waits(what)]]))[0]).toBe("pending");
});

describe("a VM that waited for its window before the revision became urgent", () => {
  const usual = decisions({ rest: good });
  const { rest } = usual.approvals;
  const urgent = { ...usual, approvals: { rest: { revision: good, lock: "", ...rest, urgent: true } } };
  const given = { laterWaves: ["last"], minSucceeded: 1 };
  const end = (looks: Parameters<typeof see>[0]) => {
    const state = see(looks, { control: urgent, with: given });
    return [resultOf(state)[0], decide(state, { ...options, ...given }).outcome];
  };

  it("is on its way", () => {
    expect(end([[0, waits("window")]])).toEqual(["pending", "open"]);
    expect(
      end([
        [0, waits("window")],
        [50, reading()],
      ]),
    ).toEqual(["succeeded", "passed"]);
  });

  it("is no failure where it knows nothing of urgent approvals", () => {
    expect(
      end([
        [0, waits("window")],
        [100, waits("window")],
      ]),
    ).toEqual(["deferred", "unproved"]);
  });
});

describe("a VM that runs the revision and needs a reboot for its kernel", () => {
  const live = (more: Parameters<typeof reading>[0] = {}) =>
    reading({ rebootRequired: true, activation: "live", ...more });
  const given = { laterWaves: ["last"], minSucceeded: 1, bootTimeout: 200 };

  test.each<[string, NonNullable<Parameters<typeof live>[0]>]>([
    ["nothing", {}],
    ["a reboot that a person makes", { waiting: { for: "reboot" } }],
    ["the window for its reboot", { waiting: { for: "window" } }],
    ["its users", { waiting: { for: "users" } }],
  ])("proves it where the wave asks for no reboot, whatever it waits for: %s", (_, more) => {
    const state = see([[0, live(more)]], { with: given });
    expect(resultOf(state)).toEqual(["succeeded", "needs a reboot"]);
    expect(decide(state, { ...options, ...given }).outcome).toBe("passed");
  });

  const required = { ...given, reboot: true };
  const after = (looks: Parameters<typeof see>[0]) => see(looks, { with: required });

  it("has proved nothing before it, where the wave asks for it", () => {
    const state = after([[0, live()]]);
    expect(resultOf(state)).toEqual(["pending", "reboots"]);
    expect(decide(state, { ...options, ...required }).outcome).toBe("open");
    const booted = after([
      [0, live()],
      [190, reading()],
    ]);
    expect(decide(booted, { ...options, ...required }).outcome).toBe("passed");
  });

  it("has the boot timeout to come back, from its word on, and has failed then", () => {
    const looks: Parameters<typeof see>[0] = [
      [0, before],
      [90, live()],
      [289, live()],
    ];
    expect(resultOf(after(looks))[0]).toBe("pending");
    const late = after([...looks, [290, live()]]);
    expect(resultOf(late)).toEqual(["failed", "did not come back from its reboot within 3 min 20 s"]);
    expect(decide(late, { ...options, ...required })).toMatchObject({ outcome: "failed", stopped: false });
  });

  it("has failed where it went back after it", () => {
    const back = reading({
      revision: old,
      outcome: "failed",
      stage: "health",
      error: "no answer",
      rebootRequired: true,
    });
    expect(
      resultOf(
        after([
          [0, live()],
          [50, back],
        ]),
      ),
    ).toEqual(["failed", "health failed: no answer"]);
  });

  test.each<["users" | "window", Result, string]>([
    ["users", "pending", "open"],
    ["window", "deferred", "unproved"],
  ])("waits for its %s, and has proved nothing", (what, result, outcome) => {
    const state = after([[0, live({ waiting: { for: what } })]]);
    expect(resultOf(state)[0]).toBe(result);
    expect(decide(state, { ...options, ...required }).outcome).toBe(outcome);
  });

  it("reboots from what it has for its next boot as well", () => {
    const set = reading({ revision: old, activation: "boot", pending: { revision: good, toplevel: "/nix/store/x" } });
    expect(resultOf(after([[0, set]]))).toEqual(["pending", "reboots"]);
  });
});

describe("a wave's members, known by name", () => {
  const members = ["a", "b"];
  const given = { ...options, members };
  const seen = (at: number, names: string[], fleetSize = names.length) => ({
    at,
    decisions: approved,
    fleetSize,
    vms: names.map((name) => ({ vm: vm(name), reports: reports(reading()) })),
  });
  const after = (...looks: Parameters<typeof seen>[]) =>
    looks.reduce((state, one) => step(state, seen(...one), given), noProgress);
  const results = (state: ReturnType<typeof after>) =>
    Object.fromEntries([...state.vms].map(([name, { result, reason }]) => [name, [result, reason]]));

  it("are waited for until the boot timeout, and have failed then", () => {
    expect(results(after([0, ["a"]]))).toMatchObject({ b: ["pending", "is not there yet"] });
    expect(decide(after([0, ["a"]], [59, ["a"]]), given).outcome).toBe("open");
    const late = after([0, ["a"]], [60, ["a"]]);
    expect(results(late)).toMatchObject({
      b: [
        "failed",
        "was not there within 1 min; it could not be created, or someone deleted it or its labels: pulumi up --refresh",
      ],
    });
    expect(decide(late, given)).toMatchObject({ outcome: "failed", stopped: false });
  });

  it("have longer while the fleet's VMs are still being created", () => {
    expect(decide(after([0, [], 0], [50, ["a"], 1], [100, ["a"], 2]), given).outcome).toBe("open");
    expect(decide(after([0, [], 0], [50, ["a"], 1], [100, ["a"], 2], [160, ["a"], 2]), given).outcome).toBe("failed");
  });

  it("have the whole boot timeout for their first report, once they are there", () => {
    const arrives = step(
      after([0, ["a"]]),
      { ...seen(55, ["a"]), vms: [{ vm: vm("b"), reports: reports(silent) }] },
      given,
    );
    expect(arrives.vms.get("b")).toMatchObject({ result: "pending", since: 55 });
  });

  it("are not waited for when they were there and are deleted, and count again when they come back", () => {
    const gone = after([0, ["a", "b"]], [5, ["a"]], [500, ["a"]]);
    expect(results(gone)).toEqual({ a: ["succeeded", null] });
    expect([...gone.gone]).toEqual(["b"]);
    expect(decide(gone, given).outcome).toBe("passed");
    expect([...after([0, ["a", "b"]], [5, ["a"]], [10, ["a", "b"]]).vms.keys()]).toEqual(["a", "b"]);
  });

  it("are no others, whatever wave VMs say that they are in", () => {
    expect([...after([0, ["a", "b", "c"]]).vms.keys()]).toEqual(["a", "b"]);
  });
});
