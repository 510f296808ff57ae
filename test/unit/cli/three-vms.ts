/** A fleet of three VMs in the fake API. */
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
  for (const wave of ["canary", "rest"]) {
    fake.metadata[approvalKey("devs", "dev", wave)] = JSON.stringify(approval(good));
  }
}
