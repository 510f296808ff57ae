/** Whether the list of VMs is the one that is pushed. */
import { isDeepStrictEqual } from "node:util";
import { short } from "../../rules/contract";
import { parseJson } from "../../rules/text/json";
import type { RawConfig } from "../config/fleet-config";
import { listInClone } from "../config/vms/vms-file";
import { textAt, type FlakeSource, type Revision } from "./revision";

/**
 * A line if the list is in a clone of the config repository and differs from the one at the branch's head: such as in a clone that lacks what
 * someone else has pushed. An update would take that back, also who may log in to a VM. In another repository there is no such list.
 */
export async function listWarning(
  raw: RawConfig,
  directory: string,
  { repository }: Pick<FlakeSource, "repository">,
  { revision }: Pick<Revision, "revision">,
): Promise<string | undefined> {
  const local = listInClone(raw, directory);
  if (local === undefined) return undefined;
  const pushed = parseJson((await textAt(repository, revision, local.path)) ?? "");
  if (!Array.isArray(pushed) || isDeepStrictEqual(pushed, local.list)) return undefined;
  return `nixos-fleet:vmsFile: "${local.file}" differs from what is pushed (${short(revision)}): pull it, or push yours; this run takes back what only the pushed one has`;
}
