/** What a VM costs in a stack: resources, and bytes of Pulumi's state, of which the file backend writes all at each step of an update. */
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startupKey } from "../../rules/contract";
import { Program } from "./setup/program";

interface StateResource {
  urn: string;
  type: string;
  inputs?: Record<string, unknown>;
  stackTrace?: unknown[];
}

const VMS = ["dev-1", "dev-2", "dev-3"];
let program: Program;
let resources: StateResource[];

beforeAll(async () => {
  // From its sources, as people run it: what the SDK notes of where a resource is declared is in the state.
  program = await Program.start("size", { directory: resolve(__dirname, "../..") });
  program.configure({
    "nixos-fleet:deletionProtection": "false",
    "nixos-fleet:teams": {
      infra: ["group:infra@example.com", "group:oncall@example.com"],
      developers: ["group:developers@example.com"],
    },
    "nixos-fleet:vms": VMS.map((name) => ({ name, owner: `${name}@example.com`, homes: [{ user: "dev" }] })),
    "nixos-fleet:waves": [
      { name: "canary", vms: ["dev-1"] },
      { name: "rest", rest: true },
    ],
    "nixos-fleet:defaults": { homeDisk: {} },
    "nixos-fleet:schedules": [{ name: "nights", stop: "0 20 * * *", timeZone: "UTC", rest: true }],
  });
  const up = await program.run("up");
  expect(up.exitCode, up.text).toBe(0);
  const { text } = await program.pulumi("stack", "export", "--stack", program.stack);
  ({ resources } = (JSON.parse(text) as { deployment: { resources: StateResource[] } }).deployment);
});
afterAll(() => program.stop());

const bytesOf = (one: unknown) => Buffer.byteLength(JSON.stringify(one));

/** The resources of a VM, by type. */
function resourcesOf(vm: string): Record<string, StateResource> {
  const own = resources.filter(({ urn }) => new RegExp(`::devs-${vm}(-|$)`).test(urn));
  return Object.fromEntries(own.map((one) => [one.type.replace(/^.*:/, ""), one]));
}

it.each(VMS)("is at most six resources for %s, with three groups, a home disk and a schedule", (vm) => {
  expect(Object.keys(resourcesOf(vm)).sort()).toEqual(
    ["DevVm", "Disk", "Instance", "InstanceIAMPolicy", "ResourcePolicyAttachment", "TunnelInstanceIAMBinding"].sort(),
  );
});

it.each(VMS)("is at most 15 kB for %s and its access, and 4 kB more for a home disk and a schedule", (vm) => {
  const { Disk, ResourcePolicyAttachment, ...needed } = resourcesOf(vm);
  expect(bytesOf(Object.values(needed))).toBeLessThan(15_000);
  expect(bytesOf([Disk, ResourcePolicyAttachment])).toBeLessThan(4_000);
});

it.each(VMS)("has the place of each declaration of %s alone, and no way to it", (vm) => {
  for (const { stackTrace = [], urn } of Object.values(resourcesOf(vm)))
    expect(stackTrace.length, urn).toBeLessThanOrEqual(1);
});

it("has the startup script once", () => {
  const holders = resources.filter(({ inputs }) =>
    JSON.stringify(inputs ?? {}).includes("secretmanager.googleapis.com}"),
  );
  expect(holders.map(({ inputs }) => inputs?.["key"])).toEqual([startupKey("devs", "size")]);
});
