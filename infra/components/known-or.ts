import * as pulumi from "@pulumi/pulumi";

/**
 * An output, or another value where it is not known: in a preview since it will change, in an update since its resource failed or was
 * left out because another one had. Without it the SDK writes a placeholder into the stack's outputs.
 */
export function knownOr<T>(output: pulumi.Output<T>, other: T): pulumi.Output<T> {
  // The SDK keeps this to itself.
  const { isKnown } = output as unknown as { isKnown: Promise<boolean> };
  return pulumi.output(isKnown.then((known) => (known ? output : pulumi.output(other)))) as pulumi.Output<T>;
}
