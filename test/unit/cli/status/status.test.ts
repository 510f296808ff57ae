import { describe, expect, it, test, vi } from "vitest";
import { approvalKey, controlKey, type Drift } from "../../../../rules/contract";
import { readDecisions } from "../../../../cli/fleet";
import { readReport } from "../../../../cli/reports";
import { buildStatus, decideDrift, isConverged, type DriftInput } from "../../../../cli/status/status";
import { renderStatus, summary } from "../../../../cli/status/table";
import { approval, decisions, good, hold, old, other, reading, report, reports, silent, vm } from "../fleet-samples";

const base: DriftInput = {
  state: "RUNNING",
  wave: "rest",
  wanted: good,
  approval: good,
  hold: undefined,
  reading: reading(),
  follow: "branch",
  running: 3600,
};

test.each<[string, Partial<DriftInput>, Drift, RegExp | null]>([
  ["runs what is wanted", {}, "none", null],
  ["found it there already", { reading: reading({ outcome: "unchanged" }) }, "none", null],
  ["is held, but current", { hold: hold("vm:x") }, "none", /VM x held by eve@desk: demo/],
  ["went back from what was rolled back", { wanted: "previous", reading: reading({ revision: old }) }, "none", null],
  ["runs what was rolled back still", { wanted: "previous" }, "behind", null],
  ["has not taken it in yet", { reading: reading({ revision: old, approved: old }) }, "behind", null],
  ["knows of no approval", { reading: reading({ revision: old, approved: undefined }) }, "behind", null],
  ["went past it with the branch", { reading: reading({ revision: other }) }, "ahead", /past the approval/],
  ["took it in and is elsewhere", { reading: reading({ revision: old }), follow: "approved" }, "behind", null],
  [
    "failed on it",
    { reading: reading({ revision: old, outcome: "failed", stage: "build", error: "a\nno" }) },
    "failed",
    /^build failed: no$/,
  ],
  [
    "rolled back",
    { reading: reading({ revision: old, outcome: "failed", stage: "health", rolledBack: true }) },
    "failed",
    /rolled back/,
  ],
  [
    "failed before it knew",
    { reading: reading({ revision: old, approved: undefined, outcome: "failed" }) },
    "failed",
    /update failed/,
  ],
  [
    "failed on something older",
    { reading: reading({ revision: old, approved: other, outcome: "failed" }) },
    "behind",
    /^before: update failed/,
  ],
  ["runs it and cannot fetch", { reading: reading({ outcome: "failed", stage: "fetch" }) }, "failed", /fetch failed/],
  [
    "is held and behind",
    { reading: reading({ revision: old, approved: old }), hold: hold("fleet") },
    "held",
    /the fleet held/,
  ],
  ["says it is held", { reading: reading({ revision: old, outcome: "held" }) }, "held", /on the VM itself/],
  [
    "waits at its first boot",
    { reading: reading({ revision: "", approved: undefined, outcome: "deferred" }) },
    "waiting",
    /deferred/,
  ],
  ["is not approved yet", { wanted: undefined, reading: reading({ revision: old }) }, "waiting", /not approved/],
  ["has no wave", { wave: null, wanted: undefined }, "none", null],
  [
    "has no wave and failed",
    { wave: null, wanted: undefined, reading: reading({ outcome: "failed" }) },
    "failed",
    /failed/,
  ],
  ["has just been started", { reading: silent, running: 60 }, "waiting", /not reported yet/],
  ["never said anything", { reading: silent }, "unknown", /never reported/],
  ["is silent and held", { reading: silent, hold: hold("vm:x") }, "held", /demo/],
  ["wrote nonsense", { reading: readReport("{") }, "unknown", /not JSON/],
  [
    "runs what is wanted after its next boot",
    {
      reading: reading({
        activation: "boot",
        rebootRequired: true,
        pending: { revision: good, toplevel: "/nix/store/y" },
      }),
    },
    "waiting",
    /^bbbbbbb runs after its next boot$/,
  ],
  ["is stopped", { state: "TERMINATED", reading: reading({ revision: old }) }, "stopped", null],
  ["is being stopped", { state: "STOPPING" }, "stopped", null],
  ["is suspended", { state: "SUSPENDED", reading: silent }, "stopped", null],
  ["is being made", { state: "STAGING", reading: silent }, "waiting", /started/],
])("a VM that %s", (_, changes, drift, reason) => {
  const decided = decideDrift({ ...base, ...changes });
  expect(decided.drift).toBe(drift);
  if (reason === null) {
    expect(decided.reason).toBeNull();
  } else {
    expect(decided.reason).toMatch(reason);
  }
});

const id = { fleet: "devs", stack: "dev" };
const now = new Date("2026-01-01T12:03:00Z");
const vms = [
  vm("dev-alice", { homes: [{ user: "alice", attribute: "alice" }], owner: "alice" }),
  vm("dev-bob", { state: "TERMINATED", homes: [{ user: "bob", attribute: "bob" }] }),
  vm("dev-canary", { wave: "canary" }),
];
const said = new Map([
  [
    "dev-alice",
    reports(reading({ revision: old, approved: old }), { alice: reading({ revision: old, outcome: "failed" }) }),
  ],
  ["dev-bob", reports(silent, { bob: silent })],
  ["dev-canary", reports(reading())],
]);

describe("the document", () => {
  const document = buildStatus(id, vms, decisions({ canary: good, rest: good }), said, now);

  it("has the fields that it promises", () => {
    expect(document).toMatchObject({ fleet: "devs", stack: "dev", at: "2026-01-01T12:03:00.000Z" });
    expect(document.vms[0]).toEqual({
      name: "dev-alice",
      zone: "z1",
      state: "RUNNING",
      wave: "rest",
      owner: "alice",
      wanted: good,
      system: report({ revision: old, approved: old }),
      homes: { alice: report({ revision: old, outcome: "failed" }) },
      homeDrift: { alice: { drift: "failed", reason: "update failed", wanted: old } },
      drift: "behind",
      reason: null,
      next: {
        next: "update",
        when: "now",
        revision: good,
        text: "updates to bbbbbbb: wave rest approved bbbbbbb; deployed aaaaaaa",
        atBoot: null,
      },
      overdue: { what: "behind", since: "2026-01-01T12:00:00Z" },
      revisionAt: null,
    });
    expect(document.vms.map(({ drift }) => drift)).toEqual(["behind", "stopped", "none"]);
  });

  it("is a table that a person reads, without escape sequences where not wanted", () => {
    expect(renderStatus(document, { colour: false })).toEqual([
      "VM          WAVE    STATE       CURRENT  DESIRED  DRIFT    LAST UPDATE  HOMES",
      "dev-alice   rest    RUNNING     aaaaaaa  bbbbbbb  behind   3 min ago    alice failed",
      "dev-bob     rest    TERMINATED  -        bbbbbbb  stopped  -            bob waiting",
      "dev-canary  canary  RUNNING     bbbbbbb  bbbbbbb  none     3 min ago    -",
      "",
      "dev-alice (alice), home alice: update failed",
      "next:",
      "  dev-alice: updates to bbbbbbb: wave rest approved bbbbbbb; deployed aaaaaaa",
      "  dev-bob: at its next boot: updates to bbbbbbb: wave rest approved bbbbbbb; nothing deployed",
      "devs/dev, 3 VMs: 1 current, 1 behind, 1 stopped, 1 home failed",
    ]);
    expect(renderStatus(document, { colour: true }).join("")).toContain("\u001b[33mbehind");
  });

  it("says who holds what and why, what is pinned, undone, and open", () => {
    const control = { holds: [hold("wave:rest"), hold("wave:rest", other)], pins: { "dev-bob": old }, retry: [other] };
    const instead = { canary: { [good]: old, [other]: old } };
    const held = buildStatus(id, vms, decisions({ canary: good, rest: old }, { ...control, instead }), said, now);
    const notes = renderStatus(held, { colour: false }).slice(5);
    expect(notes).toEqual([
      "rollout open: canary bbbbbbb, rest aaaaaaa",
      "wave rest held by eve@desk: demo (1 h 3 min ago)",
      "VM dev-bob pinned to aaaaaaa",
      "wave canary: bbbbbbb was rolled back, runs aaaaaaa instead",
      "dev-alice (alice), home alice: update failed",
      "next:",
      "  dev-canary: updates to aaaaaaa: bbbbbbb is undone; deployed bbbbbbb",
      "devs/dev, 3 VMs: 1 current, 1 behind, 1 stopped, 1 home failed, wave rest held by eve@desk",
    ]);
    expect(held.vms.at(-1)).toMatchObject({ wanted: old, drift: "behind" });
  });

  it("keeps to a terminal's width, and says in full below what does not fit", () => {
    const failed = reports(
      reading({ revision: old, outcome: "failed", stage: "health", error: "a unit failed and stays so" }),
    );
    const narrow = buildStatus(id, [vm("a")], decisions({ rest: good }), new Map([["a", failed]]), now);
    const lines = renderStatus(narrow, { colour: false, width: 80 });
    expect(lines[1]).toHaveLength(80);
    expect(lines[1]).toMatch(/ health.*…$/);
    expect(lines[3]).toBe("a: health failed: a unit failed and stays so");
    expect(renderStatus(narrow, { colour: false, width: 120 }).at(-1)).toMatch(/^devs\/dev, 1 VM/);
  });

  it("shows what needs a person first, whose it is and why, and of a large fleet not the VMs that are well", () => {
    const many = Array.from({ length: 50 }, (_, index) => vm(`vm-${String(index).padStart(2, "0")}`, { owner: "bob" }));
    const why = `error: ${"long ".repeat(20)}story`;
    const failed = reports(reading({ revision: old, outcome: "failed", stage: "build", error: why }));
    const said = new Map(many.map(({ name }, index) => [name, index === 49 ? failed : reports(reading())]));
    const large = buildStatus(id, many, decisions({ rest: good }), said, now);
    const lines = renderStatus(large, { colour: false, rows: 10 });
    expect(lines[1]).toMatch(/^vm-49 .* failed .*build failed: error: long.*…$/);
    expect(lines.slice(11)).toEqual([
      "and 40 VMs more, current or stopped (--all shows them)",
      "",
      `vm-49 (bob): build failed: ${why}`,
      "next:",
      "  vm-49: wave rest approved bbbbbbb; refused: build failed before; a newer approval or fleet retry changes that",
      "devs/dev, 50 VMs: 49 current, 1 failed",
    ]);
    expect(renderStatus(large, { colour: false })).toHaveLength(56);
    const bad = buildStatus(id, many, decisions({ rest: other }), said, now);
    expect(renderStatus(bad, { colour: false, rows: 10 }).slice(0, 2)).toEqual([
      "49 VMs behind (vm-00, vm-01, vm-02, vm-03 and 45 more)",
      `1 VM behind: before: build failed: ${why} (vm-49)`,
    ]);
  });

  it("says that a wave's VMs went back to what each ran before", () => {
    const undone = decisions({ rest: good }, { instead: { rest: { [good]: "previous" } } });
    expect(renderStatus(buildStatus(id, [], undone, new Map(), now), { colour: false })[0]).toBe(
      "wave rest: bbbbbbb was rolled back, runs what each VM ran before instead",
    );
  });

  it("survives what is not readable, and says so", () => {
    const metadata = {
      "nixos-fleet--devs--dev--rest": "{",
      "nixos-fleet--devs--dev----control": "{",
      "nixos-fleet--devs--prod--rest": "not ours",
      "nixos-fleet--devs--dev--canary": JSON.stringify({ revision: good, lock: "0".repeat(64) }),
    };
    const read = readDecisions(metadata, id);
    expect(Object.keys(read.approvals)).toEqual(["canary"]);
    expect(read.problems).toEqual([
      expect.stringMatching(/approval of wave rest is not readable/),
      expect.stringMatching(/control item is not readable/),
    ]);
    expect(isConverged(buildStatus(id, [], read, new Map(), now))).toBe(false);
  });

  it("shows a VM's forged words without letting them act", () => {
    const forged = JSON.stringify(
      report({
        outcome: "failed",
        revision: "\u001b[2Jxxxxxxxxxxxxxxxxxxxx",
        error: "\u001b]0;pwned\u0007\u202eevil",
        at: "soon",
      }),
    );
    const map = new Map([["dev-alice", reports(readReport(forged))]]);
    const text = renderStatus(buildStatus(id, vms.slice(0, 1), decisions({ rest: good }), map, now), {
      colour: false,
    }).join("\n");
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text).toMatch(/xxxxxxxxxxx….*no time/);
  });
});

describe("converged", () => {
  const document = (approvals: Record<string, string>, state = "RUNNING") =>
    buildStatus(id, [vm("a", { state })], decisions(approvals), new Map([["a", reports(reading())]]), now);

  it("is a fleet whose running VMs are where they should be", () => {
    expect(isConverged(document({ rest: good }))).toBe(true);
    expect(isConverged(document({ rest: good }, "TERMINATED"))).toBe(true);
  });

  it("is none with a VM behind, or a rollout open", () => {
    expect(isConverged(document({ rest: other }))).toBe(false);
    expect(isConverged(document({ rest: good, canary: other }))).toBe(false);
  });
});

test("an empty fleet has a summary too", () => {
  expect(summary(buildStatus(id, [], decisions({}), new Map(), now))).toBe("devs/dev, 0 VMs");
});

it("reads each item of the project once, however many VMs there are", () => {
  const homes = Array.from({ length: 50 }, (_, index) => `https://git/home-${index}`);
  const items = decisions({ rest: good });
  const own = Object.fromEntries(homes.map((home) => [`${home}#main`, { revision: good, lock: "0".repeat(64) }]));
  const metadata = {
    [approvalKey("devs", "dev", "rest")]: JSON.stringify({ ...approval(good), homes: own }),
    [controlKey("devs", "dev")]: JSON.stringify({ pins: { elsewhere: old } }),
  };
  const many = homes.map((repository, index) =>
    vm(`dev-${index}`, { homes: [{ user: "eve", attribute: "eve", repository }] }),
  );
  const said = new Map(many.map(({ name }) => [name, reports(reading())]));
  const parse = vi.spyOn(JSON, "parse");
  buildStatus(id, many, { ...items, metadata }, said, now);
  const parsed = parse.mock.calls.map(([text]) => text);
  parse.mockRestore();
  for (const text of Object.values(metadata)) expect(parsed.filter((one) => one === text)).toHaveLength(1);
});
