import { expect, it } from "vitest";
import { adviceAfter, sendsNothing } from "../../../infra/components/rollout/delayed-failures";

const runningIn = { "dev-alice": "europe-west1-b" };
const GONE =
  "1 error occurred:\n\t* Error deleting instance: googleapi: Error 404: The resource was not found, notFound";
const LABELS =
  "Error updating labels: googleapi: Error 412: Labels fingerprint either invalid or resource labels have changed, conditionNotMet";
const instance = "gcp:compute/instance:Instance";

it.each([
  [
    "update",
    instance,
    "dev-alice",
    /^It ran before; .*: gcloud compute instances start dev-alice --zone=europe-west1-b$/,
  ],
  ["update", instance, "dev-off", undefined],
  ["update", instance, "dev-alice", /^Its labels are not .*: run pulumi up --refresh$/, LABELS],
  ["update", "gcp:compute/disk:Disk", "dev-alice-home", /^Its labels are not /, LABELS],
  ["create", instance, "dev-alice", undefined],
  ["update", "gcp:compute/firewall:Firewall", "fw", /run pulumi up --refresh/],
  ["update", "gcp:compute/instanceIAMPolicy:InstanceIAMPolicy", "x", /^It keeps its members\. Correct the settings/],
  ["update", "gcp:projects/iAMBinding:IAMBinding", "x", /^It keeps its members/],
  ["update", "command:local:Command", "x", undefined],
  ["update", "command:remote:Command", "x", undefined],
  ["delete", "gcp:compute/firewall:Firewall", "fw", undefined],
  ["delete", instance, "dev-alice", /^Someone has deleted it already: run pulumi up --refresh$/, GONE],
  ["delete", instance, "dev-alice", undefined, "Error deleting instance: googleapi: Error 403: Forbidden"],
] as const)("after a failed %s of a %s named %s, a person should do what only a person can do", (...args) => {
  const [failedOperation, type, name, advice, error = "refused"] = args;
  const found = adviceAfter({ failedOperation, type, newInputs: { name }, errors: [error] }, runningIn);
  if (advice === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(advice);
});

const members = (...names: string[]) => ({ members: names });

it.each<[string, object, object, boolean]>([
  ["members in another order", members("user:a", "user:b"), members("user:b", "user:a"), true],
  ["another member", members("user:a", "user:b"), members("user:a", "user:c"), false],
  ["a policy", { policyData: "{}" }, { policyData: "{}" }, true],
  ["another policy", { policyData: '{"bindings":[]}' }, { policyData: "{}" }, false],
  ["members that only the provider will know", { members: undefined }, members("user:a"), false],
  ["neither", {}, {}, false],
])("an update of a policy or binding sends nothing if the state has its members already: %s", (_, ...both) => {
  const [newInputs, oldOutputs, nothing] = both;
  expect(sendsNothing({ newInputs, oldOutputs })).toBe(nothing);
});
