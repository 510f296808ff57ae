import { short } from "../../rules/contract";
import { oneLine, truncate } from "../../rules/text/text";

/** A revision as people read it. A VM may have reported any text. */
export function revisionText(revision: string | undefined): string {
  if (revision === undefined) {
    return "";
  }
  return /^[0-9a-f]{40}$/.test(revision) ? short(revision) : truncate(oneLine(revision), 12);
}
