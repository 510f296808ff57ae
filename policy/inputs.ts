/** A resource's inputs as the engine hands them over: of any shape, as the program wrote them. */
export type Inputs = Readonly<Record<string, unknown>>;

export function object(value: unknown): Inputs {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Inputs) : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/**
 * Whether a preview cannot tell an input yet, since it is another resource's output: the pack's reader throws then, with a message of
 * its own and no class that it exports (@pulumi/policy 1.21, proxy.js).
 */
export function isUnknown(inputs: Inputs, key: string): boolean {
  try {
    // Only reading it tells.
    void inputs[key];
    return false;
  } catch (error) {
    if (error instanceof Error && error.message.includes("can't be known during preview")) return true;
    throw error;
  }
}

/** Whether a metadata value is one that Google's guest software takes for yes. */
export function flag(value: unknown): boolean {
  return value === true || (typeof value === "string" && /^(true|yes|y|1)$/i.test(value));
}
