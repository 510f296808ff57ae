/** What the stack of an error costs a program that declares hundreds of resources. */

interface Frame {
  toString: () => string;
  getFunctionName?: () => string | null;
}
type Formatter = (error: Error, frames: Frame[]) => unknown;

/** As Node has it: undefined where nobody formats stacks but Node itself. */
const node = Error as unknown as { prepareStackTrace?: Formatter | undefined };

/** What formats the stacks of errors with a message. */
let formatter: Formatter | undefined;

/**
 * The Pulumi SDK notes the stack of each request that it sends to the engine, by an error without a message. ts-node and source-map-support
 * translate every frame of a stack that is read: a third of what a program of 100 VMs computes. Stacks without a message stay as Node has
 * them from now on; errors with one, which people read, are translated as before.
 *
 * The engine keeps those stacks in the state, for each resource. They end with the frame that declares it: the SDK's own come first.
 *
 * Most stacks are of promises, 50 for each resource; the SDK shows one only to who looks for a promise that never ends. They stay empty.
 */
export function leaveUnnamedStacksPlain(): void {
  if (node.prepareStackTrace === format || node.prepareStackTrace === undefined) return;
  formatter = node.prepareStackTrace;
  node.prepareStackTrace = format;
}

/** Frames of the SDK and of a resource's constructor, and the one that calls it. */
const declaring = 6;

/** What in the SDK notes where a promise was made, and the variable by which people ask for it. */
const ofPromises = "debuggablePromise";
const promisesAreShown = Boolean(process.env["PULUMI_DEBUG_PROMISE_LEAKS"]);

const format: Formatter = (error, frames) => {
  if (error.message !== "" && formatter !== undefined) return formatter(error, frames);
  if (!promisesAreShown && frames[0]?.getFunctionName?.() === ofPromises) return String(error);
  return [String(error), ...frames.slice(0, declaring).map((frame) => `    at ${frame.toString()}`)].join("\n");
};
