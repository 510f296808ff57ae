/** What the Pulumi SDK notes for itself while a program declares hundreds of resources. */
import * as pulumi from "@pulumi/pulumi";

type Debug = typeof pulumi.log.debug;

/** The notes that it writes about each resource and each of its requests, whether they go well or not said elsewhere. */
const ownNote =
  /^(Registering resource: |RegisterResource(Outputs)? RPC (prepared|finished): |Resource RPC serialization requested: |Invoking function: |Invoke RPC (prepared|finished): )/;

/**
 * The SDK sends four notes or more for each resource to the engine, one after the other, and the engine shows them with `--debug` only: a sixth of
 * what a preview of 100 VMs computes. They are left out unless NIXOS_FLEET_DEBUG is set. What the program or others note is sent as before.
 */
export function leaveNotesUnsent(log: { debug: Debug } = pulumi.log): void {
  const send = log.debug;
  if ((process.env["NIXOS_FLEET_DEBUG"] ?? "") !== "" || "quiet" in send) return;
  const debug: Debug = (message, ...rest) => (ownNote.test(message) ? Promise.resolve() : send(message, ...rest));
  log.debug = Object.assign(debug, { quiet: true });
}
