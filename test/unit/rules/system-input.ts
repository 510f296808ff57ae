/** The cases of the agents' decision tables as `decideSystem` takes them. */
import { decideSystem, type SystemDecision, type SystemInput } from "../../../rules/decide-system";
import { readMetadata, type Metadata } from "../../../rules/metadata";
import { stateOf } from "../../../rules/agent-state";
import { instanceText, type Case } from "../agent/decide-cases";

/** What a metadata server says that has these items. */
function metadataOf({ metadata = "present", instance, attributes = {} }: Case): Metadata {
  if (metadata === "away") return { kind: "away", problem: "no answer" };
  if (metadata === "none") return { kind: "none" };
  const text = instanceText(instance);
  return readMetadata(
    {
      attributes: { status: 200, body: JSON.stringify(attributes) },
      name: { status: 200, body: "dev-alice" },
      instance: text === null ? { status: 404, body: "" } : { status: 200, body: text },
    },
    true,
  );
}

export function inputOf(given: Case): SystemInput {
  return {
    metadata: metadataOf(given),
    joined: false,
    hostname: "localhost",
    settings: { ...given.settings },
    state: stateOf({ ...given.state }),
    localHold: given.localHold ?? null,
    right: given.right ?? "head",
    wanted: given.wanted,
    force: given.force ?? false,
    drifted: given.drifted ?? false,
    head: given.head,
    descends: given.descends,
  };
}

/** The decision in the tables' terms. */
export function decideCase(given: Case): SystemDecision & { needHead?: boolean; needDescent?: string } {
  const decision = decideSystem(inputOf(given));
  const { need } = decision;
  return {
    ...decision,
    ...(need?.kind === "head" ? { needHead: true } : {}),
    ...(need?.kind === "descent" ? { needDescent: need.revision } : {}),
  };
}
