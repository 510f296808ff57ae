/**
 * A stack of a version that had one access resource for each VM and member: `pulumi up` brings it to a policy and a binding a VM, replaces
 * nothing, and no one loses access at any moment.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { CloudState } from "../../local/api/types";
import { Program } from "./setup/program";

interface Fixture {
  stack: object;
  cloud: CloudState;
}

const { stack, cloud } = JSON.parse(
  readFileSync(resolve(__dirname, "../fixtures/stack-before-access-policies.json"), "utf8"),
) as Fixture;

let program: Program;
beforeAll(async () => {
  program = await Program.start("upgrade", { state: cloud });
  const file = join(program.scratch, "before.json");
  writeFileSync(file, JSON.stringify(stack));
  const imported = await program.pulumi("stack", "import", "--stack", "upgrade", "--file", file);
  expect(imported.exitCode, imported.text).toBe(0);
});
afterAll(() => program.stop());

const INFRA = ["group:infra@example.com", "user:root@example.com"];
const DEVELOPERS = ["group:data@example.com", "group:devs@example.com"];
const vms = ["dev-alice", "dev-bob"];

/** Who has a role by a policy, under whatever condition. */
function holders(resource: string, role: string): string[] {
  const bindings = program.cloud.store.state.iam?.policies[resource] ?? [];
  const own = bindings.filter((one) => one["role"] === `roles/${role}`);
  const members = own.flatMap(({ members }) => (members as string[]).map((member) => member.toLowerCase()));
  return [...new Set(members)].sort();
}

/** What each VM's people can do now: log in as administrators, as users, through a tunnel, as the VMs' account. */
function access(): unknown {
  const [account = ""] = Object.values(program.cloud.store.state.iam?.accounts ?? {}).map(({ name }) => name);
  return vms.map((vm) => {
    const instance = `zones/europe-west1-b/instances/${vm}`;
    return [
      holders(`projects/local-project/${instance}`, "compute.osAdminLogin"),
      holders(`projects/local-project/${instance}`, "compute.osLogin"),
      holders(`projects/local-project/iap_tunnel/${instance}`, "iap.tunnelResourceAccessor"),
      holders(account, "iam.serviceAccountUser"),
    ];
  });
}

it("gets two access resources a VM in one up, with every VM, disk and person as before at every moment", async () => {
  const everyone = [...DEVELOPERS, ...INFRA].sort();
  const all = vms.map(() => [INFRA, DEVELOPERS, everyone, everyone]);
  expect(access()).toEqual(all);
  const ids = () =>
    [...vms, "dev-alice-home", "dev-bob-home"].map((name) => {
      const place = name.endsWith("-home") ? "disks" : "instances";
      return program.cloud.store.state.resources[`zones/europe-west1-b/${place}/${name}`]?.resource.id;
    });
  const before = ids();
  expect(before).not.toContain(undefined);

  const lost: unknown[] = [];
  const stop = program.cloud.store.onChange(() => {
    const now = access();
    if (JSON.stringify(now) !== JSON.stringify(all)) lost.push(now);
  });
  program.configure({
    "nixos-fleet:deletionProtection": "false",
    "nixos-fleet:teams": { infra: ["group:infra@example.com", "user:Root@example.com"], developers: DEVELOPERS },
    "nixos-fleet:vms": [
      { name: "dev-alice", owner: "alice@example.com", labels: { team: "a" } },
      { name: "dev-bob", owner: "bob@example.com" },
    ],
    "nixos-fleet:defaults": { homeDisk: {} },
    "nixos-fleet:schedules": [{ name: "nights", stop: "0 20 * * *", timeZone: "UTC", rest: true }],
  });
  const preview = Object.entries(await program.changes());
  expect(preview.filter(([, operation]) => operation.includes("replace"))).toEqual([]);
  const up = await program.run("up");
  expect(up.exitCode, up.text).toBe(0);
  stop();
  expect(lost).toEqual([]);
  expect(access()).toEqual(all);
  expect(ids()).toEqual(before);
  expect(await program.changes()).toEqual({});

  const own = Object.entries(program.resources()).filter(([, [type]]) => /IAM|iAM/.test(type));
  const names = own.map(([name]) => name).filter((name) => name.includes("dev-"));
  expect(names.sort()).toEqual(vms.flatMap((vm) => [`devs-${vm}-login`, `devs-${vm}-tunnel`]).sort());
});
