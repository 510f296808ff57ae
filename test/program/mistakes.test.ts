/** Mistakes in a stack's configuration, through the real engine: one line each, all at once, and nothing created. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Program } from "./setup/program";

let program: Program;
beforeAll(async () => {
  program = await Program.start("mistakes");
});
afterAll(() => program.stop());

/** `pulumi up` with a configuration that is right but for `config`. */
async function up(config: object, run = () => program.run("up")) {
  program.configure({ "nixos-fleet:vms": [{ name: "dev-alice" }], ...config });
  const { exitCode, text } = await run();
  return { exitCode, text, created: Object.keys(program.resources()) };
}

describe("a mistake in the stack's configuration", () => {
  it("is one line, and all of one run come at once", async () => {
    const config = {
      "gcp:project": undefined,
      "nixos-fleet:colour": "red",
      "nixos-fleet:vms": [{ name: "Dev_Alice" }],
      "nixos-fleet:resolveFrom": join(program.scratch, "nowhere"),
    };
    // The language host says what the program threw.
    const { exitCode, text, created } = await up(config, () => program.upInProcesses().ended);
    expect(exitCode).not.toBe(0);
    for (const line of [
      "gcp:project: must be set: the Google Cloud project that gets the fleet",
      "nixos-fleet:colour: unknown key",
      'nixos-fleet:vms[0].name: "Dev_Alice" must be a Compute name: a lower-case letter first, then letters, digits or -, 63 at most',
    ])
      expect(text).toContain(line);
    expect(text).toMatch(/nixos-fleet:resolveFrom: cannot read branch "main" of .*nowhere: fatal: .*/);
    expect(text).not.toContain("at main (");
    expect(created).toEqual([]);
  });

  it("is one line, whichever part it is in", async () => {
    const { exitCode, text, created } = await up({
      "gcp:region": "europe-west1",
      "gcp:zone": "us-east1-b",
      "nixos-fleet:vms": [{ name: "dev-alice" }, { name: "dev-bob", zone: "europe-west1-c" }],
      "nixos-fleet:defaults": { labels: { team: "X".repeat(64) } },
      "nixos-fleet:waves": [
        { name: "canary", vms: ["dev-alice"] },
        { name: "rest", vms: ["dev-alice", "dev-bob"] },
      ],
      "nixos-fleet:schedules": [
        { name: "office", start: "7:00", timeZone: "Europe/Gent", rest: true },
        { name: "nights", stop: "0 20 * * *", timeZone: "UTC", labels: { team: "none" } },
      ],
      "nixos-fleet:replace": ["dev-zoe"],
      "nixos-fleet:snapshots": {},
    });
    expect(exitCode).not.toBe(0);
    for (const line of [
      /gcp:zone: "us-east1-b" is not in gcp:region "europe-west1", where the fleet's subnet is/,
      /defaults\.labels\.team: "X{64}" must be a label value: up to 63 lower-case letters, digits, - or _/,
      'schedules[0].start: "7:00" must be MINUTE HOUR * * DAYS as cron has them, such as "0 7 * * 1-5"',
      'schedules[0].timeZone: "Europe/Gent" must be a time zone of the tz database such as Europe/Brussels',
      'schedules[1]: "nights" has no VM; give it one or remove it',
      'waves[1].vms: "dev-alice" is in wave "canary" already',
      'replace: "dev-zoe" is not a VM of this fleet',
      "snapshots: no VM has a home disk of which there could be some; set defaults.homeDisk or a VM's homeDisk",
    ])
      if (typeof line === "string") expect(text).toContain(`nixos-fleet:${line}`);
      else expect(text).toMatch(line);
    expect(created).toEqual([]);
  });

  it("is a zone or a machine type that Google does not have, one line for all VMs", async () => {
    const vms = [{ name: "dev-alice" }, { name: "dev-bob" }, { name: "dev-zoe", zone: "europe-west1-z" }];
    const defaults = { machineType: "e2-standrad-4" };
    const { exitCode, text, created } = await up({ "nixos-fleet:vms": vms, "nixos-fleet:defaults": defaults });
    expect(exitCode).not.toBe(0);
    for (const line of [
      'nixos-fleet:vms: dev-alice, dev-bob: machine type "e2-standrad-4" does not exist in zone europe-west1-b; did you mean "e2-standard-4"?',
      'nixos-fleet:vms: dev-zoe: zone "europe-west1-z" does not exist; did you mean "europe-west1-b"?',
    ])
      expect(text).toContain(line);
    expect(text).not.toMatch(/vms: dev-bob: machine type/);
    expect(created).toEqual([]);
  });

  it("is a wave without a VM", async () => {
    const waves = [
      { name: "canary", vms: [] },
      { name: "rest", rest: true },
    ];
    const { exitCode, text, created } = await up({ "nixos-fleet:waves": waves });
    expect(exitCode).not.toBe(0);
    expect(text).toContain('nixos-fleet:waves[0]: "canary" has no VM; give it one or remove it');
    expect(created).toEqual([]);
  });

  it("is a list of VMs that is not there", async () => {
    const { exitCode, text, created } = await up({
      "nixos-fleet:vms": undefined,
      "nixos-fleet:vmsFile": "nowhere.json",
    });
    expect(exitCode).not.toBe(0);
    expect(text).toContain(
      'nixos-fleet:vmsFile: "nowhere.json" must be a readable JSON file with a list of VMs: no such file or directory',
    );
    expect(text).not.toContain("nixos-fleet:vms:");
    expect(created).toEqual([]);
  });
});
