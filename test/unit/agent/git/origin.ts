import { remoteAccess } from "../../../../agent/git/git";
import type { Origin } from "../../../../agent/git/mirror";

/** The branch `main` of a repository on this machine, which asks for no key. */
export function originOf(url: string, more: Partial<Origin> = {}): Origin {
  return { url, branch: "main", access: remoteAccess("file"), renew: () => Promise.resolve(undefined), ...more };
}
