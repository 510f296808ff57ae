/** Every optional part of a stack on, then each one off and on again in an order by chance: after each step there is nothing left to do. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Random } from "../faults/random";
import { patience } from "../setup/pace";
import { Program } from "./program";

let program: Program;
beforeAll(async () => {
  program = await Program.start("optional");
});
afterAll(() => program.stop());

/** What every step has. */
const base = {
  "nixos-fleet:vms": [{ name: "dev-canary" }, { name: "dev-alice", owner: "alice@example.com" }],
  "nixos-fleet:deletionProtection": false,
};

/** The parts, each with the settings that it takes. */
const parts: Record<string, Record<string, unknown>> = {
  schedules: {
    "nixos-fleet:schedules": [
      { name: "office", start: "0 7 * * 1-5", stop: "0 20 * * 1-5", timeZone: "Europe/Brussels", vms: ["dev-alice"] },
    ],
  },
  teams: { "nixos-fleet:teams": { infra: ["group:infra@example.com"], developers: ["group:devs@example.com"] } },
  waves: {
    "nixos-fleet:waves": [
      { name: "canary", vms: ["dev-canary"] },
      { name: "rest", rest: true },
    ],
  },
  monitoring: { "nixos-fleet:monitoring": { channels: ["email:infra@example.com"] } },
  cache: {
    "nixos-fleet:cache": {
      bucket: "acme-nix-cache",
      publicKey: "acme-cache-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    },
  },
  homeDisk: { "nixos-fleet:defaults": { homeDisk: { sizeGb: 20 } }, "nixos-fleet:snapshots": { at: "04:00" } },
  keys: { "nixos-fleet:deployKeySecret": "config-key" },
};

/** `up` with these parts, and what an `up` after it would still do, also once everything was read again. */
async function settle(on: ReadonlySet<string>): Promise<void> {
  program.configure(Object.assign({ ...base }, ...[...on].map((name) => parts[name])) as object);
  for (const args of [["up"], ["up", "--refresh", "--expect-no-changes"]]) {
    const { exitCode, text } = await program.run(args[0] ?? "", ...args.slice(1));
    expect(exitCode, `${args.join(" ")} with ${[...on].join(", ")}:\n${text}`).toBe(0);
  }
  expect(await program.changes(), [...on].join(", ")).toEqual({});
}

it("leaves nothing to do after any part is switched off or on", { timeout: patience(900) }, async () => {
  program.cloud.store.state.secrets = {
    "config-key": { createTime: "2026-06-01T10:00:00.000Z", replication: {}, labels: {}, versions: [] },
  };
  const random = Random.seeded();
  console.log(`seed ${random.seed}`);
  const left = Object.keys(parts);
  const on = new Set(left);
  await settle(on);
  while (left.length > 0) {
    const [part = ""] = left.splice(random.below(left.length), 1);
    on.delete(part);
    await settle(on);
    on.add(part);
    await settle(on);
  }
});
