/** Log messages of the Pulumi SDK while a program declares hundreds of resources. */
import * as pulumi from "@pulumi/pulumi";

type Debug = typeof pulumi.log.debug;

/** The messages that it writes about each resource and each of its requests, whether or not they succeed. Nothing else contains them. */
const ownNote =
  /^(Registering resource: |RegisterResource(Outputs)? RPC (prepared|finished): |Resource RPC serialization requested: |Invoking function: |Invoke RPC (prepared|finished): )/;

/**
 * For each resource, the SDK sends at least four log messages to the engine, one after the other. The engine shows them only with
 * `--debug`, and they are a sixth of what a preview of 100 VMs computes. They are left out unless NIXOS_FLEET_DEBUG is set. Messages of the
 * program or of others are sent as before.
 */
export function leaveNotesUnsent(log: { debug: Debug } = pulumi.log): void {
  const send = log.debug;
  if ((process.env["NIXOS_FLEET_DEBUG"] ?? "") !== "" || "quiet" in send) return;
  const debug: Debug = (message, ...rest) => (ownNote.test(message) ? Promise.resolve() : send(message, ...rest));
  log.debug = Object.assign(debug, { quiet: true });
}
