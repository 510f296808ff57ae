import * as pulumi from "@pulumi/pulumi";

/**
 * An output, or another value if the output is not known. It is not known in a preview if it will change, and in an update if its resource
 * failed or was skipped because another one failed. Without this the SDK writes a placeholder into the stack's outputs.
 */
export function knownOr<T>(output: pulumi.Output<T>, other: T): pulumi.Output<T> {
  // The SDK does not export this.
  const { isKnown } = output as unknown as { isKnown: Promise<boolean> };
  return pulumi.output(isKnown.then((known) => (known ? output : pulumi.output(other)))) as pulumi.Output<T>;
}
