/** `fleet remove`: what it does now, what it keeps, which settings are left to remove, and what `pulumi up` will do. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, beforeEach, afterEach, test } from "vitest";
import { controlKey } from "../../../rules/contract";
import { noControl } from "../../../rules/rollout/control-item";
import type { CommandContext } from "../../../cli/command-line/command";
import { planRemoval, removalLines, type RemovalFacts } from "../../../cli/removal";
import { environmentOf, FakeCompute } from "./google/fake-compute";
import { good, hold, report } from "./fleet-samples";
import { runFleet } from "./run-fleet";
import { writeStackFile } from "./stack-file";

const boot = { name: "dev-alice", device: "persistent-disk-0", boot: true };
const home = { name: "dev-alice-home", device: "home", boot: false };
const settings = {
  path: "Pulumi.prod.yaml",
  text: `config:
  # dev-alice left in 2025
  nixos-fleet:vms:
    - name: dev-alice-2
    - name: dev-alice # the first
      owner: alice@example.com
  nixos-fleet:waves:
    - { name: canary, vms: [dev-canary, dev-alice] }
`,
};
/** Settings whose list of VMs is a file, as `fleet init` writes them. */
const listed = (more = "") => ({
  path: "Pulumi.prod.yaml",
  text: `config:\n  # nixos-fleet:vmsFile: old.json\n  nixos-fleet:vmsFile: "../machines/vms.json"\n${more}`,
});
const facts = (changes: Partial<RemovalFacts> = {}): RemovalFacts => ({
  vm: {
    name: "dev-alice",
    state: "RUNNING",
    owner: "alice_example_com",
    wave: "rest",
    host: "dev-alice",
    homes: [{ user: "alice", attribute: "alice" }],
  },
  disks: [boot, home],
  deletionProtection: false,
  control: noControl,
  waveMates: ["dev-bob"],
  settings,
  now: new Date("2026-11-28T22:10:00Z"),
  ...changes,
});

test("it names every line of the settings that names the VM, and no other", () => {
  expect(removalLines(facts(), planRemoval(facts(), true))).toEqual([
    "remove dev-alice (alice_example_com, wave rest)",
    "now:",
    "  stop it: from then on no one can log in to it",
    "  take the snapshot dev-alice-home-202611282210 of dev-alice-home",
    "  nothing in the control item is about it",
    "stays:",
    "  home disk dev-alice-home",
    "  all snapshots",
    "  dev-alice in the config repository, and the homes of alice there",
    "then, 3 steps for you:",
    "  1. remove dev-alice from Pulumi.prod.yaml:5: - name: dev-alice; Pulumi.prod.yaml:8: - { name: canary, vms: [dev-canary, dev-alice] }",
    "  2. run pulumi up: it deletes the VM, its boot disk and the roles that people have on it, and keeps dev-alice-home",
    "  3. when no one needs the home any more: gcloud compute disks delete dev-alice-home (docs/leavers.md)",
  ]);
});

test.each<[string, Partial<RemovalFacts>, boolean, RegExp]>([
  [
    "protection that has to go first",
    { deletionProtection: true },
    true,
    /^ {2}1\. in Pulumi\.prod\.yaml set deletionProtection: false on dev-alice, and run pulumi up/,
  ],
  [
    "the file that lists the VMs",
    { settings: listed("  nixos-fleet:waves: [{ name: canary, vms: [dev-alice] }]\n") },
    true,
    /^ {2}1\. remove dev-alice from \.\.\/machines\/vms\.json, and push that repository; Pulumi\.prod\.yaml:4: nixos-fleet:waves: /,
  ],
  [
    "protection in that file",
    { settings: listed(), deletionProtection: true },
    true,
    /^ {2}1\. in \.\.\/machines\/vms\.json set deletionProtection: false on dev-alice, and run pulumi up: until then Compute refuses/,
  ],
  [
    "protection by Pulumi that overrides the VM's own",
    { settings: listed("  nixos-fleet:protect: true # all of them\n"), deletionProtection: true },
    true,
    /set deletionProtection: false on dev-alice, in Pulumi\.prod\.yaml set nixos-fleet:protect to false until the VM is gone, and run pulumi up: until then Pulumi and Compute refuse/,
  ],
  [
    "homes on the boot disk",
    { disks: [boot] },
    true,
    /the snapshot dev-alice-202611282210 of dev-alice, its boot disk, where its homes are$/,
  ],
  ["homes that would be lost", { disks: [boot] }, false, /^ {2}its homes are on the boot disk, .* they are lost$/],
  ["the last VM of a wave", { waveMates: [] }, true, /^ {2}it is the last VM of wave rest: /],
  ["a pin", { control: { ...noControl, pins: { "dev-alice": good } } }, true, /control item: its pin to bbbbbbb$/],
  [
    "a hold",
    { control: { ...noControl, holds: [hold("vm:dev-alice")] } },
    true,
    /control item: VM dev-alice held by eve@desk: demo$/,
  ],
  ["a VM that is off", { vm: { ...facts().vm, state: "TERMINATED" } }, true, /^ {2}it is stopped already/],
  [
    "no settings file",
    { settings: undefined },
    true,
    /remove dev-alice from nixos-fleet:vms in the stack's settings, and from every other/,
  ],
])("it says %s", (_, changes, takesSnapshot, line) => {
  const about = facts(changes);
  expect(removalLines(about, planRemoval(about, takesSnapshot)).filter((one) => line.test(one))).toHaveLength(1);
});

test("a snapshot's name is one that Compute takes, however long the disk's is", () => {
  const disks = [{ ...home, name: `${"a".repeat(58)}-home` }];
  const { snapshot } = planRemoval(facts({ disks }), true);
  expect(snapshot?.name).toMatch(/^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])$/);
});

describe("fleet remove", () => {
  let fake: FakeCompute;
  let endpoint: string;
  beforeEach(async () => {
    fake = new FakeCompute();
    endpoint = await fake.start();
    const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev", "nixos-fleet-wave": "rest" };
    const disk = (name: string, deviceName: string, isBoot: boolean) => ({
      source: `projects/p/zones/z1/disks/${name}`,
      deviceName,
      boot: isBoot,
    });
    fake.instances = ["dev-alice", "dev-bob"].map((name) => ({
      name,
      labels,
      guest: { "nixos-fleet/system": JSON.stringify(report()) },
      disks: [disk(name, "persistent-disk-0", true), disk(`${name}-home`, "home", false)],
    }));
    const holds = [hold("vm:dev-alice"), hold("vm:dev-bob"), hold("wave:rest")];
    fake.setMetadata(controlKey("devs", "dev"), JSON.stringify({ ...noControl, holds, pins: { "dev-alice": good } }));
  });
  afterEach(() => fake.stop());

  const fleet = (args: string[], more: Partial<CommandContext> = {}, path: object = {}) => {
    const env = {
      ...path,
      ...environmentOf(endpoint),
    };
    return runFleet(["remove", "dev-alice", ...args], env, more);
  };
  const writes = () => fake.requests.filter((request) => /^(POST|DELETE|PUT|PATCH)/.test(request));

  it("stops the VM, takes the snapshot, cleans the control item of this VM alone, and deletes nothing", async () => {
    const { code, out } = await fleet(["--why", "alice moves on"]);
    expect(code).toBe(0);
    expect(out.slice(-3)).toEqual([
      "dev-alice is stopped",
      expect.stringMatching(/^the snapshot dev-alice-home-\d{12} is complete$/),
      "the control item has nothing about it any more",
    ]);
    expect(fake.instances.map(({ status }) => status)).toEqual(["TERMINATED", undefined]);
    expect(fake.snapshots).toEqual([
      expect.objectContaining({
        sourceDisk: "projects/p/zones/z1/disks/dev-alice-home",
        labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" },
      }),
    ]);
    const control = JSON.parse(fake.metadata[controlKey("devs", "dev")] ?? "") as typeof noControl;
    expect(control.pins).toEqual({});
    expect(control.holds.map(({ scope }) => scope)).toEqual(["vm:dev-bob", "wave:rest"]);
    expect(fake.logged).toMatchObject([
      { jsonPayload: { event: "remove", scope: "vm:dev-alice", why: "alice moves on" } },
    ]);
    expect(writes().filter((request) => request.startsWith("DELETE"))).toEqual([]);
  });

  it("keeps the snapshot where the stack keeps those of home disks, if the settings are this fleet's", async () => {
    const directory = mkdtempSync(join(tmpdir(), "fleet-remove-"));
    const PATH = `${directory}:${process.env["PATH"] ?? ""}`;
    const taken = async (project: string) => {
      const snapshots = JSON.stringify({ keepDays: 7, location: "europe-west1" });
      writeStackFile(directory, { "gcp:project": project, "nixos-fleet:snapshots": snapshots });
      const { out } = await fleet(["--yes"], {}, { PATH });
      return [out.filter((line) => line.endsWith(", to keep in europe-west1")).length, fake.snapshots.at(-1)];
    };
    try {
      expect(await taken("p")).toEqual([1, expect.objectContaining({ storageLocations: ["europe-west1"] })]);
      expect(await taken("another")).toEqual([0, expect.not.objectContaining({ storageLocations: ["europe-west1"] })]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("changes nothing with --dry-run, and where the answer is no", async () => {
    expect((await fleet(["--dry-run"])).out.at(-1)).toBe("nothing was changed (--dry-run)");
    const { code, err } = await fleet([], { confirm: () => Promise.resolve(false) });
    expect([code, err]).toEqual([1, ["nothing was changed [NF210]"]]);
    expect(writes()).toEqual([]);
  });

  it("keeps pin and holds where the snapshot fails, and says how to go on", async () => {
    fake.fault = (request) =>
      request.startsWith("POST") && request.includes("/snapshots") ? { status: 403, body: {} } : undefined;
    const { code, err } = await fleet(["--yes"]);
    expect(code).toBe(1);
    expect(err[0]).toMatch(
      /^dev-alice is stopped, and the snapshot of dev-alice-home failed: .*; call it again, or with --no-snapshot \[NF204\]$/,
    );
    expect(fake.metadata[controlKey("devs", "dev")]).toContain("vm:dev-alice");
  });

  it("may be called again, and without a snapshot", async () => {
    await fleet(["--yes"]);
    const { code, out } = await fleet(["--yes", "--no-snapshot"]);
    expect(code).toBe(0);
    expect(out).toContain("  it is stopped already: no one can log in to it");
    expect(fake.snapshots).toHaveLength(1);
  });

  it("refuses before it stops the VM where the control item cannot be read", async () => {
    fake.setMetadata(controlKey("devs", "dev"), "{");
    expect((await fleet(["--yes"])).err[0]).toMatch(/^the control item is not readable/);
    expect(writes()).toEqual([]);
  });
});
