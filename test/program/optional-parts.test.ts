/**
 * All optional parts of a stack together: a label, a refresh, and each part off and on again in a random order. No VM is replaced, and a
 * preview after each step has nothing to do. Two parts by default, all with `--all`.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Random } from "../faults/random";
import { patience } from "../setup/pace";
import { upInPlace } from "./setup/in-place";
import { Program } from "./setup/program";

const vms = [
  { name: "dev-alice", owner: "alice@example.com" },
  { name: "dev-bob", owner: "bob@example.com" },
];

/** What is set for each part. */
const parts: Readonly<Record<string, Record<string, unknown>>> = {
  people: {
    "nixos-fleet:teams": { infra: ["group:infra@example.com"], developers: ["group:devs@example.com"] },
    "nixos-fleet:access": "owners",
  },
  homeDisks: {
    "nixos-fleet:defaults": { homeDisk: { type: "pd-ssd", sizeGb: 50 } },
    "nixos-fleet:snapshots": { at: "20:00", keepDays: 30 },
  },
  schedules: {
    "nixos-fleet:schedules": [{ name: "office", stop: "0 20 * * 1-5", timeZone: "Europe/Brussels", rest: true }],
  },
  cache: { "nixos-fleet:cache": { bucket: "parts-cache", publicKey: `cache-1:${"A".repeat(43)}=` } },
  monitoring: { "nixos-fleet:monitoring": { channels: ["email:infra@example.com"] } },
  waves: {
    "nixos-fleet:waves": [
      { name: "canary", vms: ["dev-alice"] },
      { name: "rest", rest: true },
    ],
  },
  key: { "nixos-fleet:deployKeySecret": "config-deploy-key" },
  network: { "nixos-fleet:network": { cidr: "10.128.0.0/20" } },
};
const names = Object.keys(parts);

let program: Program;
beforeAll(async () => {
  program = await Program.start("parts");
});
afterAll(() => program.stop());

/** The stack with these parts. */
const up = (on: readonly string[], labels: Record<string, string>) => {
  const settings = on.reduce<Record<string, unknown>>((all, name) => ({ ...all, ...parts[name] }), {});
  const defaults = { ...(settings["nixos-fleet:defaults"] as object | undefined), labels };
  return upInPlace(program, { ...settings, "nixos-fleet:defaults": defaults }, vms);
};

it("come and go in any order, with no VM replaced and nothing left to do", { timeout: patience(400) }, async () => {
  const random = Random.seeded();
  console.log(`seed ${random.seed}`);
  const order = names.map((name) => ({ name, at: random.next() })).sort((a, b) => a.at - b.at);
  const chosen = process.env["NIXOS_FLEET_LONG"] === undefined ? order.slice(0, 2) : order;

  await up(names, {});
  await up(names, { desk: "4" });
  const refreshed = await program.run("refresh");
  expect(refreshed.exitCode, refreshed.text).toBe(0);
  expect(await program.changes()).toEqual({});
  const whole = Object.keys(program.resources()).sort();
  for (const { name } of chosen) {
    // Homes are not taken from a VM that runs.
    const power = (action: "stop" | "start") =>
      name === "homeDisks" ? Promise.all(vms.map((vm) => program.instance(vm.name, action))) : undefined;
    await power("stop");
    await up(
      names.filter((other) => other !== name),
      { desk: "4" },
    );
    await power("start");
    await up(names, { desk: "4" });
    expect(Object.keys(program.resources()).sort(), name).toEqual(whole);
  }
});
