/** The stack's page. */
import { describe, expect, it } from "vitest";
import { readmeOf } from "../../../infra/readme";

const revision = "b".repeat(40);
const vm = (name: string, owner?: string) => ({
  name,
  wave: "rest",
  zone: "europe-west1-b",
  ...(owner === undefined ? {} : { owner }),
});
type Given = Parameters<typeof readmeOf>;

function page(vms: ReturnType<typeof vm>[], results: Given[1]): string {
  const waves = [
    { name: "canary", vms: ["dev-canary"] },
    { name: "rest", vms: vms.map(({ name }) => name) },
  ];
  const config = { fleet: "devs", stack: "prod", project: "acme", waves, vms } as unknown as Given[0];
  return readmeOf(config, results, "npx fleet");
}

describe("the stack's page", () => {
  it("has the waves in order with revision and gate, the VMs, and three commands", () => {
    const results = { rest: { gate: "nothing is approved" }, canary: { revision, gate: "passed: 1 succeeded" } };
    expect(page([vm("dev-alice", "alice@example.com"), vm("dev-bob")], results)).toBe(`# Fleet devs, stack prod

The state after the last completed \`pulumi up\`. \`npx fleet status\` shows the current state.

| Wave | VMs | Approved | Gate |
| --- | --- | --- | --- |
| canary | 1 | \`${revision}\` | passed: 1 succeeded |
| rest | 2 | nothing | nothing is approved |

| VM | Wave | Zone | Owner |
| --- | --- | --- | --- |
| dev-alice | rest | europe-west1-b | alice@example.com |
| dev-bob | rest | europe-west1-b |  |

| To | Run |
| --- | --- |
| log in | \`gcloud compute ssh VM --project=acme --zone=ZONE --tunnel-through-iap\` |
| see what each VM runs, and why | \`npx fleet status\` |
| roll out the branch's head | \`pulumi up\` |
`);
  });

  it("stays a table whatever a VM's report said", () => {
    const text = page([vm("dev-alice")], { canary: { revision, gate: "failed: 1 failed; a | b\n# c" } });
    expect(text).toContain("| failed: 1 failed; a \\| b # c |");
  });

  it("stays short in a large fleet", () => {
    const text = page(
      Array.from({ length: 53 }, (_, index) => vm(`dev-${index}`)),
      {},
    );
    expect(text).toContain("| dev-49 |");
    expect(text).not.toContain("| dev-50 |");
    expect(text).toContain("And 3 more: the output `vms`.");
  });
});
