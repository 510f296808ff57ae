/** What the stack of an error costs a program that declares hundreds of resources. */

type Formatter = (error: Error, frames: { toString: () => string }[]) => unknown;

/** As Node has it: undefined where nobody formats stacks but Node itself. */
const node = Error as unknown as { prepareStackTrace?: Formatter | undefined };

/** What formats the stacks of errors with a message. */
let formatter: Formatter | undefined;

/**
 * The Pulumi SDK notes the stack of each request that it sends to the engine, by an error without a message. ts-node and source-map-support
 * translate every frame of a stack that is read: a third of what a program of 100 VMs computes. Stacks without a message stay as Node has
 * them from now on; errors with one, which people read, are translated as before.
 */
export function leaveUnnamedStacksPlain(): void {
  if (node.prepareStackTrace === format || node.prepareStackTrace === undefined) return;
  formatter = node.prepareStackTrace;
  node.prepareStackTrace = format;
}

const format: Formatter = (error, frames) =>
  error.message === "" || formatter === undefined
    ? [String(error), ...frames.map((frame) => `    at ${frame.toString()}`)].join("\n")
    : formatter(error, frames);
