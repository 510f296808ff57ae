/** What the stacks of a fleet have in common: VMs that `pulumi state move` brings from another stack, and resources that another may use. */
import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../config-error";
import type { FleetConfig } from "../config/fleet-config";

/**
 * Aliases of a VM's resources for a fleet with several stacks. `pulumi state move` leaves their components behind and makes them children of
 * the stack. The aliases stay declared, because an interrupted run leaves some resources under the old names.
 */
export function aliasesOf({ stacks }: Pick<FleetConfig, "stacks">): Pick<pulumi.ResourceOptions, "aliases"> {
  return stacks === undefined ? {} : { aliases: [{ parent: pulumi.rootStackResource }] };
}

/**
 * Options of resources that another stack of the fleet may use, such as the network. A destroy runs no program that could look for such
 * stacks, and deletes the NAT and the account before Google refuses to delete a subnet in use; so Pulumi itself refuses.
 */
export function keptForOthers({
  stacks,
  protect = true,
}: Pick<FleetConfig, "stacks" | "protect">): Pick<pulumi.ResourceOptions, "protect"> {
  return stacks !== undefined && protect ? { protect } : {};
}

/**
 * A hook that refuses to create a VM that exists already, because another stack has it in its state.
 * @param stackOf VM → the stack that its labels name
 */
export function refuseCreation(
  name: string,
  stackOf: Readonly<Record<string, string>>,
  stack: string,
): Pick<pulumi.ResourceHookBinding, "beforeCreate"> {
  if (Object.keys(stackOf).length === 0) return {};
  const refuse = new pulumi.ResourceHook(
    `${name}-vm-in-other-stack`,
    ({ newInputs }) => {
      const vm = String((newInputs as Record<string, unknown> | undefined)?.["name"]);
      throw new ConfigError([
        `stacks: ${vm} is in the state of stack ${stackOf[vm] ?? "?"}: run fleet move ${vm} --to ${stack} first`,
      ]);
    },
    { onDryRun: true },
  );
  return { beforeCreate: [refuse] };
}
