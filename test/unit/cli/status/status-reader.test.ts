/** Which VMs the status asks, so that watching a large fleet stays within Compute's quota. */
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { approvalKey } from "../../../../rules/contract";
import { run } from "../../../../cli/cli";
import { commands } from "../run-fleet";
import { connect } from "../../../../cli/google/compute";
import { dueVms, StatusReader } from "../../../../cli/status/reader";
import { environmentOf, FakeCompute } from "../google/fake-compute";
import { approval, good, old, report, vm } from "../fleet-samples";

describe("the VMs to ask", () => {
  const all = [vm("a"), vm("b"), vm("c"), vm("d")];
  const names = (due: { name: string }[]) => due.map(({ name }) => name);

  it("are first those never asked and those that changed their state, however many", () => {
    const known = new Map([
      ["a", { look: 1, at: 1, state: "RUNNING" }],
      ["b", { look: 1, at: 1, state: "TERMINATED" }],
    ]);
    expect(names(dueVms(all, known, { most: 1, recent: 1 }, () => true))).toEqual(["b", "c", "d"]);
  });

  it("are then those that have not answered, but for half of what is left, and the ones asked longest ago", () => {
    const known = new Map(all.map(({ name }, index) => [name, { look: 9 - index, at: 9 - index, state: "RUNNING" }]));
    const due = (most: number, settled: (vm: { name: string }) => boolean, recent = 9) =>
      names(dueVms(all, known, { most, recent }, settled));
    expect(due(2, ({ name }) => name !== "a")).toEqual(["a", "d"]);
    expect(due(2, () => false)).toEqual(["d", "c"]);
    expect(due(4, () => false)).toEqual(["d", "c", "b", "a"]);
    expect(due(4, () => false, 7)).toEqual(["d", "c"]);
  });
});

let fake: FakeCompute;
beforeEach(() => {
  fake = new FakeCompute();
});
afterEach(() => fake.stop());

test("watching reads the whole fleet once, then so many at each look, and all of them in turn", async () => {
  const endpoint = await fake.start();
  const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev", "nixos-fleet-wave": "rest" };
  const said = (revision: string) => ({
    "nixos-fleet/system": JSON.stringify(report({ revision, approved: revision })),
  });
  fake.instances = Array.from({ length: 20 }, (_, index) => ({ name: `vm-${index}`, labels, guest: said(good) }));
  fake.metadata[approvalKey("devs", "dev", "rest")] = JSON.stringify(approval(good));
  const compute = connect({ project: "p", endpoint, identity: { accessToken: "t" } });
  let now = 0;
  const id = { fleet: "devs", stack: "dev" };
  const reader = new StatusReader({ compute, id }, undefined, () => (now += 60_000));
  const asked = () => fake.count("getGuestAttributes");
  expect((await reader.read(5)).vms.every(({ drift }) => drift === "none")).toBe(true);
  expect(asked()).toBe(20);
  await reader.read(5);
  expect(asked()).toBe(25);
  fake.instances.forEach((one) => (one.guest = said(old)));
  // Those that have not answered do not keep the others from being asked.
  const drifted = async () => (await reader.read(5)).vms.filter(({ drift }) => drift !== "none").length;
  const seen = [];
  for (let look = 0; look < 12; look++) seen.push(await drifted());
  expect(seen[0]).toBe(5);
  expect(seen.at(-1)).toBe(20);
  expect(asked()).toBe(25 + 12 * 5);
});

test("watching does not ask a VM again so soon that its reports could be dropped", async () => {
  const endpoint = await fake.start();
  fake.instances = [{ name: "vm-1", labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" } }];
  const compute = connect({ project: "p", endpoint, identity: { accessToken: "t" } });
  let now = 0;
  const reader = new StatusReader({ compute, id: { fleet: "devs", stack: "dev" } }, undefined, () => now);
  for (; now <= 60_000; now += 3_000) await reader.read(30);
  expect(fake.count("getGuestAttributes")).toBe(3);
});

test("watching shows as much as the terminal has room for, until it is interrupted", async () => {
  const endpoint = await fake.start();
  const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" };
  fake.instances = ["dev-alice", "dev-bob", "dev-canary"].map((name) => ({ name, labels, status: "TERMINATED" }));
  const interrupt = new AbortController();
  const out: string[] = [];
  const code = await run(["status", "--watch"], {
    env: { ...environmentOf(endpoint) },
    print: (line) => {
      out.push(line);
      interrupt.abort();
    },
    printError: (line) => out.push(line),
    terminal: true,
    size: () => ({ columns: 80, rows: 5 }),
    colour: false,
    signal: interrupt.signal,
    loadCommand: (name) => commands[name],
  });
  expect([code, out.length]).toEqual([130, 1]);
  expect(out[0]?.startsWith("\u001b[HVM ")).toBe(true);
  expect(out[0]?.split("\u001b[K\n")).toEqual([
    expect.stringContaining("LAST UPDATE"),
    expect.stringContaining("dev-alice"),
    "…",
    expect.stringMatching(/^devs\/dev, 3 VMs: 3 stopped \(at \d\d:\d\d:\d\d UTC; Ctrl-C ends\)$/),
    "\u001b[J",
  ]);
});
