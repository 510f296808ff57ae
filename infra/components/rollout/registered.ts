import type * as pulumi from "@pulumi/pulumi";

/** The hook once the engine knows it; undefined if the engine or its language host is too old for hooks of its kind. */
export async function registered<H extends pulumi.ErrorHook | pulumi.ResourceHook>(hook: H): Promise<H | undefined> {
  // The SDK does not export this promise. If it is rejected without a handler, the program ends.
  const { __registered: done } = hook as unknown as { __registered: Promise<void> };
  return done.then(
    () => hook,
    () => undefined,
  );
}
