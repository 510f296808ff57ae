/** `fleet rollback` and `fleet pin`, and what they leave in the control item. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { controlKey } from "../../../rules/contract";
import { badRevision } from "../../../cli/commands/rollback";
import { type Control, noControl } from "../../../rules/rollout/control-item";
import { environmentOf, FakeCompute } from "./google/fake-compute";
import { twoVms } from "./fake-fleets";
import { good, hold, old, other, report } from "./fleet-samples";
import { identity, runFleet } from "./run-fleet";

let fake: FakeCompute;
let endpoint: string;

beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  twoVms(fake);
});
afterEach(() => fake.stop());

async function fleet(...args: string[]): Promise<{ code: number; out: string[]; err: string[] }> {
  return runFleet(args, {
    ...environmentOf(endpoint),
    PATH: process.env["PATH"],
  });
}

function control(): Control | undefined {
  const value = fake.metadata[controlKey("devs", "dev")];
  return value === undefined ? undefined : (JSON.parse(value) as Control);
}

describe("fleet rollback", () => {
  it("undoes what all waves are approved for, and waits until their VMs have left it", async () => {
    const { code, out } = await fleet("rollback");
    expect(control()).toMatchObject({ instead: { canary: { [good]: "previous" }, rest: { [good]: "previous" } } });
    expect(out[0]).toBe("  dev-canary, dev-rest: stays at aaaaaaa");
    expect(out[1]).toBe("waves canary, rest: from bbbbbbb back to what each VM ran before");
    expect(out.at(-1)).toMatch(/^waves canary, rest left bbbbbbb: 2 succeeded/);
    expect(code).toBe(0);
  });

  it("exits with 1 where a VM does not come back", async () => {
    fake.instances[0] = {
      ...fake.instances[0],
      name: "dev-canary",
      guest: { "nixos-fleet/system": JSON.stringify(report()) },
    };
    const { code, out } = await fleet("rollback", "--timeout", "1s");
    expect(code).toBe(1);
    expect(out.at(-1)).toMatch(/did not roll back from bbbbbbb: 1 of 2 failed/);
  });

  it("exits with 1 while a VM that runs it is held, and says so at the start", async () => {
    fake.instances[0] = {
      ...fake.instances[0],
      name: "dev-canary",
      guest: { "nixos-fleet/system": JSON.stringify(report()) },
    };
    const holds = [hold("vm:dev-canary"), hold("vm:dev-other")];
    fake.setMetadata(controlKey("devs", "dev"), JSON.stringify({ holds }));
    const { code, out } = await fleet("rollback");
    expect(code).toBe(1);
    expect(out).toContain(
      "VM dev-canary held by eve@desk: demo; its VMs go back only after fleet resume --vm dev-canary",
    );
    expect(out.at(-1)).toMatch(
      /^waves canary, rest: 1 succeeded, 1 deferred; dev-canary \(VM dev-canary held by .*fleet resume\) still at bbbbbbb/,
    );
    expect(out.join("\n")).not.toContain("dev-other");
  });

  it("goes to the revision that is given, in one wave, and takes a hold against the revision with it", async () => {
    const holds = [hold("wave:rest", good), hold("wave:canary", good), hold("fleet")];
    fake.setMetadata(controlKey("devs", "dev"), JSON.stringify({ holds, retry: [good] }));
    const { out } = await fleet("rollback", "--wave", "rest", "--to", old.slice(0, 7), "--no-wait");
    expect(out).toEqual([
      "wave rest: from bbbbbbb back to aaaaaaa",
      "the fleet held by eve@desk: demo; its VMs go back only after fleet resume",
    ]);
    expect(control()).toMatchObject({ holds: [holds[1], holds[2]], instead: { rest: { [good]: old } }, retry: [] });
  });

  it("forgets an undo that lapsed", async () => {
    fake.setMetadata(controlKey("devs", "dev"), JSON.stringify({ instead: { rest: { [other]: old } } }));
    await fleet("rollback", "--no-wait");
    expect(control()?.instead["rest"]).toEqual({ [good]: "previous" });
  });

  test.each<[string, Parameters<typeof badRevision>, string | RegExp]>([
    ["the one that all have", [{ a: good, b: good }, noControl, undefined], good],
    ["the wave's", [{ a: good, b: old }, noControl, "b"], old],
    ["what a gate failed on", [{ a: good, b: old }, { ...noControl, holds: [hold("wave:a", good)] }, undefined], good],
    ["not a guess", [{ a: good, b: old }, noControl, undefined], /name the revision; .* a bbbbbbb, b aaaaaaa/],
    ["not what is no wave's", [{ a: good }, noControl, "c"], /wave c is approved for nothing/],
    ["not where nothing is approved", [{}, noControl, undefined], /no wave is approved/],
  ])("undoes %s", (_, given, wanted) => {
    if (wanted instanceof RegExp) expect(() => badRevision(...given)).toThrow(wanted);
    else expect(badRevision(...given)).toBe(wanted);
  });
});

describe("fleet pin", () => {
  it("pins a VM to a revision that the fleet knows, and lets it go again", async () => {
    expect(await fleet("pin", "dev-rest", old.slice(0, 7))).toMatchObject({
      code: 0,
      out: ["  dev-rest: stays at aaaaaaa", "dev-rest is pinned to aaaaaaa"],
    });
    expect(control()?.pins).toEqual({ "dev-rest": old });
    const dry = await fleet("pin", "dev-rest", "--clear", "--dry-run");
    expect(dry.out).toEqual(["  dev-rest: aaaaaaa → bbbbbbb, now", "nothing was changed (--dry-run)"]);
    expect(control()?.pins).toEqual({ "dev-rest": old });
    expect((await fleet("pin", "dev-rest", "--clear")).out.at(-1)).toBe("dev-rest follows what is approved again");
    expect(control()).toBeUndefined();
    expect((await fleet("pin", "dev-rest", "--clear")).out).toEqual(["dev-rest was not pinned"]);
  });

  it("says which branch of the repository has the revision", async () => {
    const repository = mkdtempSync(join(tmpdir(), "fleet-pin-"));
    const git = (...args: string[]) => execa("git", ["-C", repository, ...args], { env: identity });
    await git("init", "--quiet", "--initial-branch=a-fix");
    await git("commit", "--quiet", "--allow-empty", "--message=x");
    const { stdout: head } = await git("rev-parse", "HEAD");
    const { code, out } = await fleet("pin", "dev-rest", head.slice(0, 10), "--resolve-from", repository);
    rmSync(repository, { recursive: true });
    expect([code, out.at(-1)]).toEqual([0, `dev-rest is pinned to ${head.slice(0, 7)}, of branch a-fix`]);
    expect(control()?.pins).toEqual({ "dev-rest": head });
  });

  it("lets a VM's pin go that is gone itself", async () => {
    fake.setMetadata(controlKey("devs", "dev"), JSON.stringify({ pins: { "dev-gone": old } }));
    expect((await fleet("pin", "dev-gone", "--clear")).code).toBe(0);
    expect(control()).toBeUndefined();
  });
});

test.each<[string[], RegExp]>([
  [["pin"], /an argument is missing/],
  [["pin", "dev-rest"], /name the VM and a revision/],
  [["pin", "dev-rest", old, "--clear"], /name the VM and a revision/],
  [["pin", "dev-eve", old], /^no VM dev-eve/],
  [["pin", "dev-rset", old], /^no VM dev-rset in fleet devs\/dev; did you mean "dev-rest"\?/],
  [["pin", "dev-rest", "d".repeat(40)], /^pin: d{40} is in no approval or report, and no VM's metadata names/],
  [["pin", "dev-rest", "main..x"], /^pin: main\.\.x is not a revision, a branch or a tag/],
  [["rollback", "-x"], /unknown option -x/],
  [["rollback", "--to", "ddddddd"], /^rollback: ddddddd is in no approval or report/],
  [["rollback", "--to", good], /--to is bbbbbbb, the revision to roll back/],
  [["rollback", "--wave", "last"], /^no wave last/],
  [["rollback", "--timeout", "soon"], /--timeout is soon; it must be a time such as/],
  [["await", "--wave", "rest", "--on-failure", "panic"], /must be one of hold, rollback, continue, none/],
  [["await", "--wave", "rest", "--pause", "long"], /--pause is long; it must be a time/],
])("fleet %j is refused in one line", async (args, message) => {
  const { code, err } = await fleet(...args);
  expect(err).toHaveLength(1);
  expect(err[0]).toMatch(message);
  expect(code).toBe(2);
  expect(fake.count("POST")).toBe(0);
});
