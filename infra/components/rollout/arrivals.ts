/** VMs that come from another stack of the fleet by `pulumi state move`. */
import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../../config-error";
import type { FleetConfig } from "../../config/fleet-config";

/**
 * Names under which a VM's resources may be in the state where several stacks share a list: `pulumi state move` leaves their components
 * behind and makes them children of the stack. They stay declared, since a run that is cut short leaves some resources under these names.
 */
export function aliasesOf({ stacks }: Pick<FleetConfig, "stacks">): Pick<pulumi.ResourceOptions, "aliases"> {
  return stacks === undefined ? {} : { aliases: [{ parent: pulumi.rootStackResource }] };
}

/**
 * Hooks that stop the creation of a VM which exists: another stack has it in its state.
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
