/** What Nix may show the servers of a flake's inputs, for one run only. */
import type { CommonDecision, Driver, Situation } from "./driver";
import type { NixAccess } from "./nix";

/** The repository's own key and token also serve the inputs that are on the same host. */
export async function nixAccess<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  decision: D,
): Promise<NixAccess> {
  const { access } = await driver.origin(decision);
  return { env: { GIT_SSH_COMMAND: access.ssh, GIT_TERMINAL_PROMPT: "0" } };
}
