/** Reduces the cost of error stacks in a program that declares hundreds of resources. */

interface Frame {
  toString: () => string;
  getFunctionName?: () => string | null;
}
type Formatter = (error: Error, frames: Frame[]) => unknown;

/** In Node's form: undefined if only Node itself formats stacks. */
const node = Error as unknown as { prepareStackTrace?: Formatter | undefined };

/** The function that formats the stacks of errors with a message. */
let formatter: Formatter | undefined;

/**
 * The Pulumi SDK records the stack of each request that it sends to the engine, in an error without a message. ts-node and
 * source-map-support translate every frame of a stack that is read: that is a third of what a program of 100 VMs computes. From now on,
 * stacks of errors without a message stay in Node's form. Errors with a message, which people read, are translated as before.
 *
 * The engine keeps those stacks in the state, for each resource. They end with the frame that declares the resource: the SDK's own frames
 * come first.
 *
 * Most stacks belong to promises, 50 for each resource. The SDK shows such a stack only to a person who looks for a promise that never
 * ends. These stacks stay empty.
 */
export function leaveUnnamedStacksPlain(): void {
  if (node.prepareStackTrace === format || node.prepareStackTrace === undefined) return;
  formatter = node.prepareStackTrace;
  node.prepareStackTrace = format;
}

/** The number of frames: those of the SDK and of a resource's constructor, and the frame that calls it. */
const declaring = 6;

/** The SDK function that records where a promise was made, and the variable with which people ask for it. */
const ofPromises = "debuggablePromise";
const promisesAreShown = Boolean(process.env["PULUMI_DEBUG_PROMISE_LEAKS"]);

const format: Formatter = (error, frames) => {
  if (error.message !== "" && formatter !== undefined) return formatter(error, frames);
  if (!promisesAreShown && frames[0]?.getFunctionName?.() === ofPromises) return String(error);
  return [String(error), ...frames.slice(0, declaring).map((frame) => `    at ${frame.toString()}`)].join("\n");
};
