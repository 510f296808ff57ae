import { invalid } from "./errors";
import { pathOf } from "./paths";
import type { Store } from "./store";

type Body = Record<string, unknown>;

/** The links of the resource policies that a body or a resource names. @throws ApiError where one is not there */
export function policiesOf(store: Store, from: Body): string[] {
  const links = Array.isArray(from["resourcePolicies"]) ? from["resourcePolicies"].map(String) : [];
  return links.map((link) => {
    const stored = store.state.resources[pathOf(store.project, link)];
    if (stored === undefined || stored.pending !== undefined) {
      throw invalid("resource.resourcePolicies[0]", link, "The referenced resource policy resource cannot be found.");
    }
    return stored.resource.selfLink;
  });
}

/** Attaches policies to a disk. */
export function addResourcePolicies(store: Store, resource: Body, body: Body): { resourcePolicies: string[] } {
  return { resourcePolicies: [...new Set([...policiesOf(store, resource), ...policiesOf(store, body)])] };
}

/** An instance takes one schedule. @throws ApiError where it has another */
export function addInstancePolicies(store: Store, instance: Body, body: Body): Body {
  const { resourcePolicies } = addResourcePolicies(store, instance, body);
  const schedules = resourcePolicies.filter((link) => {
    const stored = store.state.resources[pathOf(store.project, link)];
    return stored?.resource["instanceSchedulePolicy"] !== undefined;
  });
  if (schedules.length > 1) {
    const why = "An instance can have one instance schedule policy attached.";
    throw invalid("resourcePolicies[0]", schedules.at(-1) ?? "", why);
  }
  return { resourcePolicies };
}

export function removeResourcePolicies(store: Store, resource: Body, body: Body): Body {
  const removed = policiesOf(store, body);
  return { resourcePolicies: policiesOf(store, resource).filter((policy) => !removed.includes(policy)) };
}
