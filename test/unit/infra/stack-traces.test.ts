/** Stacks of errors without a message are not translated; those of errors with one are. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { leaveUnnamedStacksPlain } from "../../../infra/stack-traces";

/** As Node has it. */
const node = Error as unknown as { prepareStackTrace?: ((error: Error) => unknown) | undefined };
const before = node.prepareStackTrace;
const translate = vi.fn((error: Error) => `translated: ${error.message}`);

beforeEach(() => {
  translate.mockClear();
  node.prepareStackTrace = translate;
  leaveUnnamedStacksPlain();
});
afterEach(() => {
  node.prepareStackTrace = before;
});

describe("the stack of an error", () => {
  it("without a message is Node's own, which the SDK reads", () => {
    const plain = new Error().stack;
    expect(translate).not.toHaveBeenCalled();
    expect(plain).toMatch(/^Error\n    at .*stack-traces\.test\.ts:\d+:\d+\)?\n/);
    expect(plain?.split("\n")).toHaveLength(1 + 6);
  });

  it("without a message is not looked at where the SDK notes it for a promise", () => {
    const debuggablePromise = () => new Error().stack;
    expect(debuggablePromise()).toBe("Error");
  });

  it("with a message is translated as before", () => {
    expect(new TypeError("of people's").stack).toBe("translated: of people's");
  });

  it("is treated the same when it is asked for twice", () => {
    leaveUnnamedStacksPlain();
    expect(new Error("once").stack).toBe("translated: once");
    expect(translate).toHaveBeenCalledTimes(1);
  });
});

it("changes nothing where no one translates", () => {
  node.prepareStackTrace = undefined;
  leaveUnnamedStacksPlain();
  expect(node.prepareStackTrace).toBeUndefined();
});
