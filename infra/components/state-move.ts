/** VMs that `pulumi state move` brings from another stack of the fleet. */
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
        `stacks: ${vm} is in the state of stack ${stackOf[vm] ?? "?"}: run ./scripts/fleet move ${vm} --to ${stack} first`,
      ]);
    },
    { onDryRun: true },
  );
  return { beforeCreate: [refuse] };
}
