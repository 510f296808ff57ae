import type * as pulumi from "@pulumi/pulumi";

/** An output's value once the engine has it; undefined if the output failed, or if the run ends without it. */
export function settled<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  // The SDK does not export this promise; `apply` alone would wait for ever after an error.
  return (output as unknown as { promise: () => Promise<T> }).promise().catch(() => undefined);
}

/**
 * Resolves when the engine has finished with a resource: its URN arrives when its registration ends, even if that failed. If the engine
 * ends the run earlier, the URN never arrives, and the SDK reports that by an error.
 */
export async function registrationEnd(resource: pulumi.Resource): Promise<void> {
  await settled(resource.urn);
}
