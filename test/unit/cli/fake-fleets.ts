/** Fleets in the fake API. */
import { approvalKey } from "../../../rules/contract";
import { approval, good, old, report } from "./fleet-samples";
import type { FakeCompute } from "./google/fake-compute";

/** One VM in the wave canary and one in the wave rest, both current, and one there that is stopped and at an older revision. */
export function threeVms(fake: FakeCompute): void {
  const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" };
  const vm = (name: string, wave: string, revision: string, status = "RUNNING") => ({
    name,
    labels,
    status,
    metadata: { "nixos-fleet": JSON.stringify({ wave, follow: "branch", homes: [] }) },
    guest: {
      "nixos-fleet/system": JSON.stringify(report({ revision, approved: revision, at: new Date().toISOString() })),
    },
  });
  fake.instances = [
    vm("dev-canary", "canary", good),
    vm("dev-alice", "rest", good),
    vm("dev-bob", "rest", old, "TERMINATED"),
  ];
  approve(fake, { canary: good, rest: good });
}

/** One VM in the wave canary and one in the wave rest. Both run another revision than their wave's approved one. */
export function twoVms(fake: FakeCompute): void {
  const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" };
  fake.instances = (["canary", "rest"] as const).map((wave) => ({
    name: `dev-${wave}`,
    labels,
    metadata: { "nixos-fleet": JSON.stringify({ wave, host: `dev-${wave}`, homes: [] }) },
    guest: { "nixos-fleet/system": JSON.stringify(report({ revision: old })) },
  }));
  approve(fake, { canary: good, rest: good });
}

/** Approves a revision for each of these waves. */
export function approve(fake: FakeCompute, waves: Record<string, string>): void {
  for (const [wave, revision] of Object.entries(waves))
    fake.setMetadata(approvalKey("devs", "dev", wave), JSON.stringify(approval(revision)));
}
