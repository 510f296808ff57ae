/** Names that Pulumi generates if the program gives none, by the official provider's rules. */
import { createHash } from "node:crypto";
import type { CheckRequest } from "./provider";
import { text, type Props } from "./value";

/** The input that lists the properties that the plugin filled in. */
export const DEFAULTS = "__defaults";

/** The official provider's limit for Compute's names. */
const NAME_LIMIT = 63;
const SUFFIX = 7;

/** The inputs with a name: the program's, the generated name of the last run, or a new one. */
export function named(request: CheckRequest): Props {
  const { inputs, olds } = request;
  if ((inputs["name"] ?? null) !== null) return { ...inputs, [DEFAULTS]: [] };
  const kept = wasGenerated(olds) ? text(olds, "name") : undefined;
  return { ...inputs, name: kept ?? request.proposedName ?? generated(request), [DEFAULTS]: ["name"] };
}

/** Whether the name in these inputs was generated here, so that a replacement can exist beside the old resource. */
export function wasGenerated(inputs: Props): boolean {
  const defaults = inputs[DEFAULTS];
  return Array.isArray(defaults) && defaults.includes("name");
}

function generated({ name, seed, urn }: CheckRequest): string {
  const random = seed.length > 0 ? Buffer.from(seed) : Buffer.from(`${urn} ${Date.now()}`);
  const suffix = createHash("sha256").update(random).digest("hex").slice(0, SUFFIX);
  return `${name.toLowerCase().slice(0, NAME_LIMIT - SUFFIX - 1)}-${suffix}`;
}
