/** Whether the list of VMs is the one that is pushed. */
import { isDeepStrictEqual } from "node:util";
import { short } from "../../rules/contract";
import { parseJson } from "../../rules/text/json";
import type { ListInClone } from "../config/vms/vms-file";
import type { Head } from "./revision";

/**
 * A line if the list is in a clone of the config repository and differs from the one at the branch's head: such as in a clone that lacks what
 * someone else has pushed. An update would take that back, also who may log in to a VM. In another repository there is no such list.
 * @param head with the file of the list's path
 */
export function listWarning(
  { file, list }: ListInClone,
  { revision, besides }: Pick<Head, "revision" | "besides">,
): string | undefined {
  const pushed = parseJson(besides ?? "");
  if (!Array.isArray(pushed) || isDeepStrictEqual(pushed, list)) return undefined;
  return `nixos-fleet:vmsFile: "${file}" differs from what is pushed (${short(revision)}): pull it, or push yours; this run takes back what only the pushed one has`;
}
