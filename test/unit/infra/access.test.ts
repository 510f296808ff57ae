/** What each person gets on the project: the right to read it, with which every `gcloud compute ssh` begins. */
import * as pulumi from "@pulumi/pulumi";
import { beforeEach, expect, it } from "vitest";
import { FleetAccess } from "../../../infra/components/access";
import type { FleetConfig } from "../../../infra/config/fleet-config";

type Inputs = Record<string, unknown>;

const declared = new Map<string, { type: string; inputs: Inputs }>();
beforeEach(async () => {
  declared.clear();
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, ...given }) => {
      const inputs = given.inputs as Inputs;
      declared.set(name, { type, inputs });
      return { id: name, state: { ...inputs, name: `projects/acme-dev/roles/${String(inputs["roleId"])}` } };
    },
    call: () => ({}),
  });
});

const infra = "group:infra@example.com";
const developers = ["group:devs@example.com", "user:Carol@example.com"];

it.each<[string[], Pick<FleetConfig, "teams" | "access">]>([
  [
    ["group:devs@example.com", infra, "user:carol@example.com"],
    { access: "teams", teams: { infra: [infra], developers } },
  ],
  [
    [infra, "user:alice@example.com", "user:bob@example.com"],
    { access: "owners", teams: { infra: [infra], developers } },
  ],
  [["user:alice@example.com", "user:bob@example.com"], { access: "owners", teams: { infra: [], developers: [] } }],
  [[], { access: "teams", teams: { infra: [], developers: [] } }],
])("lets %j read the project, and do nothing else there: %j", async (people, given) => {
  const vms = ["alice", "bob", "alice"].map((owner, index) => ({
    name: `dev-${index}`,
    zone: "europe-west1-b",
    owner: `${owner}@example.com`,
  }));
  const config = { project: "acme-dev", fleet: "devs", stack: "prod", vms, ...given } as unknown as FleetConfig;
  const email = pulumi.output("vms@acme-dev.iam.gserviceaccount.com");
  new FleetAccess("devs", { config, account: { email, id: email, shared: false } as never, vms: {}, hooks: {} });
  await pulumi.runtime.disconnect();

  const role = declared.get("devs-project-reader-role")?.inputs;
  const binding = declared.get("devs-project-readers")?.inputs;
  const granted = [...declared.values()].filter(({ type }) => type.startsWith("gcp:projects/"));
  if (people.length === 0) expect(granted).toEqual([]);
  else {
    expect(granted).toHaveLength(2);
    expect(role).toMatchObject({
      title: "Project readers of fleet devs, stack prod",
      permissions: ["compute.projects.get"],
    });
    expect(binding).toEqual({
      project: "acme-dev",
      role: `projects/acme-dev/roles/${String(role?.["roleId"])}`,
      members: people,
    });
  }
});
