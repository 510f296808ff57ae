/** `fleet status --all-stacks`: a fleet that several stacks declare, as one. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { approvalKey } from "../../../../rules/contract";
import type { StacksStatus } from "../../../../cli/status/stacks";
import { approval, good, old, report } from "../fleet-samples";
import { environmentOf, FakeCompute } from "../google/fake-compute";
import { runFleet } from "../run-fleet";

let fake: FakeCompute;
let endpoint: string;
beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  fake.instances = [vm("dev-bob", "eu-b", good), vm("dev-alice", "eu-a", good), vm("ops-1", "prod", old, "ops")];
  for (const stack of ["eu-a", "eu-b"]) approve(stack, good);
});
afterEach(() => fake.stop());

function vm(name: string, stack: string, revision: string, fleet = "devs") {
  const labels = { "nixos-fleet": fleet, "nixos-fleet-stack": stack };
  const metadata = { "nixos-fleet": JSON.stringify({ wave: "rest", follow: "approved", homes: [] }) };
  const said = JSON.stringify(report({ revision, approved: revision, at: new Date().toISOString() }));
  return { name, labels, status: "RUNNING", metadata, guest: { "nixos-fleet/system": said } };
}

function approve(stack: string, revision: string): void {
  fake.metadata[approvalKey("devs", stack, "rest")] = JSON.stringify(approval(revision));
}

const status = (...args: string[]) => runFleet(["status", ...args], environmentOf(endpoint));
const devs = ["--all-stacks", "--fleet", "devs"];

describe("the status of all stacks", () => {
  it("has each stack's VMs under its name, and what they add up to", async () => {
    const { code, out } = await status(...devs, "--check");
    expect(code).toBe(0);
    expect(out.filter((line) => /^(stack|dev-|devs)/.test(line)).map((line) => line.split(/ {2,}/)[0])).toEqual([
      "stack eu-a",
      "dev-alice",
      "stack eu-b",
      "dev-bob",
      "devs/eu-a, 1 VM: 1 current",
      "devs/eu-b, 1 VM: 1 current",
      `devs, 2 stacks, 2 VMs: all at ${good.slice(0, 7)}`,
    ]);
  });

  it("is not as it should be while a rollout has reached only some stacks", async () => {
    approve("eu-b", old);
    fake.instances[0] = vm("dev-bob", "eu-b", old);
    const { code, out } = await status(...devs, "--check");
    expect(code).toBe(1);
    expect(out.at(-1)).toBe(`devs, 2 stacks, 2 VMs: approved: eu-a ${good.slice(0, 7)}, eu-b ${old.slice(0, 7)}`);
    // Each stack by itself is.
    expect((await status("--fleet", "devs", "--stack", "eu-b", "--check")).code).toBe(0);
  });

  it("names one that is not as it should be", async () => {
    fake.instances[0] = vm("dev-bob", "eu-b", old);
    expect((await status(...devs, "--check")).code).toBe(1);
  });

  it("is one JSON document of each stack's own", async () => {
    const { out } = await status(...devs, "--json");
    const document = JSON.parse(out.join("\n")) as StacksStatus;
    expect([document.fleet, document.stacks.map(({ stack }) => stack)]).toEqual(["devs", ["eu-a", "eu-b"]]);
    const alone = await status("--fleet", "devs", "--stack", "eu-a", "--json");
    const { at: _, ...rest } = document.stacks[0] ?? expect.fail();
    expect(JSON.parse(alone.out.join("\n"))).toMatchObject({ stack: rest.stack, approvals: rest.approvals });
  });

  it("shows single VMs wherever they are, and refuses names that no stack has", async () => {
    const { out } = await status(...devs, "dev-bob");
    expect(out.filter((line) => line.startsWith("dev-"))).toHaveLength(1);
    expect((await status(...devs, "dev-eve")).err).toEqual([
      expect.stringContaining("no VM dev-eve in fleet devs/eu-a and devs/eu-b"),
    ]);
  });

  it("finds the fleet by itself where the project has one, and otherwise asks which", async () => {
    expect((await status("--all-stacks")).err).toEqual([expect.stringContaining("several fleets; say which")]);
    fake.instances.pop();
    expect((await status("--all-stacks")).out.at(-1)).toContain("devs, 2 stacks");
    expect((await status("--all-stacks", "--fleet", "ops")).err).toEqual([expect.stringContaining("no such fleet")]);
  });

  it("is no page", async () =>
    expect((await status(...devs, "--html", "x.html")).err).toEqual([expect.stringContaining("cannot be combined")]));
});
