/** Changes of a lock as people read them. */
import { lockChangeLine, type LockChange } from "../../rules/lock/flake-lock";

/** A line for each input that changed, with the page that shows the commits in between. */
export function lockLines(changes: readonly LockChange[]): string[] {
  return changes.flatMap((change) => [
    `  ${lockChangeLine(change)}`,
    ...(change.link === null ? [] : [`    ${change.link}`]),
  ]);
}
