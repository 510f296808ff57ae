import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import { controlKey, approvalKey } from "../../../rules/contract";
import type { FleetStatus } from "../../../cli/status/status";
import { environmentOf, FakeCompute } from "./google/fake-compute";
import { approval, good, hold, old, report } from "./fleet-samples";
import { runFleet } from "./run-fleet";
import { threeVms } from "./fake-fleets";

let fake: FakeCompute;
let endpoint: string;
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "fleet cli "));
});
afterAll(() => rmSync(directory, { recursive: true }));
beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  threeVms(fake);
});
afterEach(() => fake.stop());

/** Runs the tool; returns its exit code, and what it printed. */
async function fleet(
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; out: string[]; err: string[] }> {
  return runFleet(args, { ...environmentOf(endpoint), ...env });
}

function control(): unknown {
  const value = fake.metadata[controlKey("devs", "dev")];
  return value === undefined ? undefined : JSON.parse(value);
}

describe("fleet status", () => {
  it("finds the only fleet and shows it", async () => {
    const { code, out } = await fleet(["status", "--check"]);
    expect(out.at(0)).toMatch(/^VM +WAVE +STATE +CURRENT +DESIRED +DRIFT +LAST UPDATE +HOMES$/);
    expect(out.at(-1)).toBe("devs/dev, 3 VMs: 2 current, 1 stopped");
    expect(code).toBe(0);
  });

  it("exits with 1 on --check when a VM is behind", async () => {
    fake.setMetadata(approvalKey("devs", "dev", "rest"), JSON.stringify(approval(old)));
    expect((await fleet(["status", "--check"])).code).toBe(1);
    expect((await fleet(["status"])).code).toBe(0);
  });

  it("prints one JSON document", async () => {
    const { out } = await fleet(["status", "--json", "--fleet", "devs", "--stack", "dev"]);
    const document = JSON.parse(out.join("\n")) as FleetStatus;
    expect(document.vms.map(({ name, drift }) => [name, drift])).toEqual([
      ["dev-alice", "none"],
      ["dev-bob", "stopped"],
      ["dev-canary", "none"],
    ]);
  });

  it("shows a VM that cannot be asked as unknown, and the others all the same", async () => {
    fake.fault = (request) =>
      request.includes("dev-alice/getGuest") ? { status: 403, body: { error: { message: "no" } } } : undefined;
    const { out } = await fleet(["status"]);
    expect(out.find((line) => line.startsWith("dev-alice"))).toMatch(
      /unknown.*the report cannot be read: HTTP 403: no/,
    );
    expect(out.at(-1)).toBe("devs/dev, 3 VMs: 1 current, 1 unknown, 1 stopped");
  });
});

describe("fleet await", () => {
  it("takes everything from the environment, and writes its results", async () => {
    const output = join(directory, "results.json");
    const env = {
      NIXOS_FLEET_FLEET: "devs",
      NIXOS_FLEET_STACK: "dev",
      NIXOS_FLEET_PROJECT: "p",
      NIXOS_FLEET_WAVE: "rest",
      NIXOS_FLEET_REVISION: good,
      NIXOS_FLEET_MAX_FAILURES: "0",
      NIXOS_FLEET_TIMEOUT: "60",
      NIXOS_FLEET_BOOT_TIMEOUT: "60",
    };
    const { code, out } = await fleet(["await", "--output", output], env);
    expect(code).toBe(0);
    expect(out.at(-1)).toMatch(/^wave rest runs bbbbbbb: 1 succeeded, 1 deferred/);
    expect(JSON.parse(readFileSync(output, "utf8"))).toMatchObject({
      fleet: "devs",
      stack: "dev",
      wave: "rest",
      revision: good,
      outcome: "passed",
      reason: null,
      allowedFailures: 0,
      vms: [
        { name: "dev-alice", result: "succeeded", system: { revision: good } },
        { name: "dev-bob", result: "deferred", state: "TERMINATED" },
      ],
    });
  });

  it("waits for the wave's approval where no revision is named, and exits with 1 when it fails", async () => {
    const failed = report({ revision: old, outcome: "failed", stage: "build", error: "error: builder said\nno" });
    fake.instances[0] = {
      ...fake.instances[0],
      name: "dev-canary",
      guest: { "nixos-fleet/system": JSON.stringify(failed) },
    };
    const { code, out } = await fleet(["await", "--wave", "canary"]);
    expect(code).toBe(1);
    expect(out).toContain("    error: builder said");
    expect(out.at(-1)).toMatch(/^wave canary failed: 1 of 1 failed, none may/);
  });

  it("refuses a revision that the wave is not approved for, and a wave without approval", async () => {
    expect((await fleet(["await", "--wave", "rest", "--revision", "ccccccc"])).err).toEqual([
      "wave rest is approved for bbbbbbb, not for ccccccc [NF209]",
    ]);
    expect((await fleet(["await", "--wave", "nowhere"])).err[0]).toMatch(
      /^wave nowhere of fleet devs\/dev has no approval/,
    );
  });
});

describe("fleet hold and resume", () => {
  it("write the control item and nothing else", async () => {
    fake.setMetadata("ssh-keys", "eve:ssh-ed25519 AAAA");
    const before = { ...fake.metadata };
    expect(await fleet(["hold", "--wave", "rest", "--why", "demo", "--by", "eve"])).toMatchObject({
      code: 0,
      out: ["wave rest of devs/dev is held: demo"],
    });
    expect(control()).toMatchObject({ holds: [{ scope: "wave:rest", by: "eve", why: "demo" }] });
    await fleet(["hold", "--vm", "dev-bob", "--why", "also"]);
    expect((await fleet(["status"])).out).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^wave rest held by eve: demo/),
        expect.stringMatching(/^VM dev-bob held by eve@.*: also/),
      ]),
    );
    expect((await fleet(["resume"])).err).toEqual([
      "the fleet has no hold of its own; held: wave rest, VM dev-bob [NF209]",
    ]);
    expect((await fleet(["resume", "--wave", "rest", "--by", "eve"])).out).toEqual(["wave rest may move again"]);
    expect((await fleet(["resume", "--all", "--why", "done"])).out).toEqual([
      "  dev-bob: aaaaaaa → bbbbbbb, at the next boot",
      "VM dev-bob may move again: done",
    ]);
    expect((await fleet(["resume"])).out).toEqual(["nothing was held"]);
    expect(fake.metadata).toEqual(before);
  });

  it("keep each person's hold of the same scope, and resume ends the caller's own", async () => {
    const hold = (by: string, why: string) => fleet(["hold", "--wave", "rest", "--why", why, "--by", by]);
    const resume = (...args: string[]) => fleet(["resume", "--wave", "rest", ...args]);
    const holders = () =>
      (control() as { holds: { by: string; why: string }[] } | undefined)?.holds.map((one) => one.by);
    await hold("ann", "demo");
    expect((await hold("bob", "migration")).out).toEqual([
      "wave rest of devs/dev is held: migration; also wave rest held by ann: demo",
    ]);
    await hold("ann", "demo at 4");
    expect(holders()).toEqual(["bob", "ann"]);
    expect((await fleet(["show", "dev-bob"])).out.filter((line) => line.includes("held  "))).toEqual([
      expect.stringContaining("held by bob: migration"),
      expect.stringContaining("held by ann: demo at 4"),
    ]);

    const refused = await resume();
    expect([refused.code, holders()]).toEqual([1, ["bob", "ann"]]);
    expect(refused.err).toEqual([
      "wave rest held by bob: migration, wave rest held by ann: demo at 4; that is not your hold: --yes ends it, or --by WHO if it is yours [NF209]",
    ]);
    expect((await resume("--by", "ann")).out).toEqual([
      "wave rest is no longer held by ann; still wave rest held by bob: migration",
    ]);
    expect(holders()).toEqual(["bob"]);
    expect((await resume("--dry-run")).code).toBe(0);
    expect(holders()).toEqual(["bob"]);
    const taken = await resume("--yes");
    expect(taken.err).toEqual(["wave rest held by bob: migration"]);
    expect(taken.out.at(-1)).toBe("wave rest may move again");
    expect(holders()).toBeUndefined();
  });

  it("keep what another person does at the same moment", async () => {
    fake.beforeWrite = () => {
      fake.beforeWrite = () => undefined;
      fake.setMetadata(controlKey("devs", "dev"), JSON.stringify({ holds: [hold("vm:dev-alice")] }));
    };
    expect((await fleet(["hold", "--why", "mine"])).code).toBe(0);
    expect(control()).toMatchObject({ holds: [{ scope: "vm:dev-alice" }, { scope: "fleet" }] });
  });

  it("do not overwrite a control item that they cannot read", async () => {
    fake.setMetadata(controlKey("devs", "dev"), "{");
    expect(await fleet(["hold", "--why", "x"])).toMatchObject({
      code: 1,
      err: [expect.stringMatching(/control item is not readable/)],
    });
    expect(fake.metadata[controlKey("devs", "dev")]).toBe("{");
  });
});

describe("fleet retry", () => {
  it("completes the revision, takes back what was held against it, and can be cleared", async () => {
    fake.setMetadata(
      controlKey("devs", "dev"),
      JSON.stringify({ holds: [hold("wave:rest", good)], instead: { rest: { [good]: old } } }),
    );
    expect((await fleet(["retry", good.slice(0, 7)])).out).toEqual([
      "  dev-bob: aaaaaaa → bbbbbbb, at the next boot",
      "bbbbbbb may be tried again",
    ]);
    expect(control()).toEqual({ holds: [], pins: {}, instead: {}, retry: [good] });
    expect((await fleet(["retry", "--clear"])).out).toEqual([
      "all retries are cleared: VMs refuse the revisions that failed on them",
    ]);
    expect(control()).toBeUndefined();
    await fleet(["retry", old.slice(0, 8)]);
    expect(control()).toMatchObject({ retry: [old] });
    expect((await fleet(["retry", "--clear", old.slice(0, 8)])).out).toEqual([
      `VMs on which ${old.slice(0, 7)} failed refuse it again`,
    ]);
    expect(control()).toBeUndefined();
  });
});

test.each<[string[], RegExp]>([
  [["nonsense"], /^unknown command "nonsense"; there are status, dashboard, show, logs, ssh, diff, await/],
  [["status", "--jsn"], /^status: unknown option --jsn; did you mean --json\?; .*status --help/],
  [["status", "--watch", "--check"], /cannot be combined/],
  [["status", "--fleet", "De vs"], /^status: --fleet is De vs; it must be 1 to 63 lower-case/],
  [["status", "--fleet", "ops"], /^no such fleet in project p/],
  [["status", "--project", "My Project"], /^status: --project is My Project; it must be a project's id/],
  [["await"], /--wave is missing/],
  [["await", "--wave", ""], /--wave is empty/],
  [["await", "--wave", "rest", "--timeout", "soon"], /--timeout is soon; it must be a time such as 90s/],
  [["await", "--wave", "rest", "--max-failures", "-1"], /max-failures/],
  [
    ["await", "--wave", "rest", "--max-failures", "most"],
    /--max-failures is most; it must be a number of VMs or a share/,
  ],
  [["await", "--wave", "rest", "--homes", "yes"], /it must be gate or report/],
  [["await", "--wave", "rest", "--revision", "main"], /must be a git revision/],
  [["hold"], /--why is missing/],
  [["hold", "--why", "x", "--wave", "a", "--vm", "b"], /cannot be combined/],
  [
    ["hold", "--why", "x", "--vm", "dev-eve"],
    /^no VM dev-eve in fleet devs\/dev; it has dev-alice, dev-bob, dev-canary/,
  ],
  [["hold", "--why", "x", "--wave", "last"], /^no wave last in fleet devs\/dev; it has canary, rest/],
  [["resume", "--all", "--vm", "dev-bob"], /--all cannot be combined with/],
  [["retry"], /name the revision/],
  [["retry", "-rf"], /unknown option -rf/],
  [["retry", "ddddddd"], /^retry: ddddddd is in no approval or report/],
])("fleet %j is refused in one line", async (args, message) => {
  const { code, out, err } = await fleet(args);
  expect(err).toHaveLength(1);
  expect(err[0]).toMatch(message);
  expect(err[0]).not.toContain("\n");
  expect(code).toBe(2);
  expect(out).toEqual([]);
  expect(fake.count("POST")).toBe(0);
});
