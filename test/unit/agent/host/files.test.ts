/** Files that are whole or not there. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeFileAtomic, writeFileFsync } from "../../../../agent/host/files";
import { readState } from "../../../../agent/state";
import { Scratch } from "../scratch";

let scratch: Scratch;
beforeEach(() => (scratch = new Scratch()));
afterEach(() => scratch.remove());

describe.each([
  ["at once", writeFileAtomic],
  ["also through a power cut", writeFileFsync],
])("a file that is written %s", (_, write) => {
  it("is whole, and for everybody to read", () => {
    write(scratch.in("state/f"), "hello");
    expect(readFileSync(scratch.in("state/f"), "utf8")).toBe("hello\n");
    expect(statSync(scratch.in("state/f")).mode & 0o777).toBe(0o644);
    expect(readdirSync(scratch.in("state"))).toEqual(["f"]);
  });

  it.each(["state/f", "state/f.new"])("replaces a folder %s", (name) => {
    mkdirSync(scratch.in(`${name}/inner`), { recursive: true });
    write(scratch.in("state/f"), "new");
    expect(readFileSync(scratch.in("state/f"), "utf8")).toBe("new\n");
    expect(readdirSync(scratch.in("state"))).toEqual(["f"]);
  });
});

it("a file stays as it was where the new one cannot be prepared", () => {
  writeFileSync(scratch.in("state/f"), "old");
  const refused = () => {
    throw new Error("no space");
  };
  expect(() => writeFileAtomic(scratch.in("state/f"), "new", 0o644, refused)).toThrow("no space");
  expect(readFileSync(scratch.in("state/f"), "utf8")).toBe("old");
});

it.each([
  ["half", '{"revision":"aa'],
  ["something else", "[1]"],
])("a state file with %s in it is none, and said to be", (_, text) => {
  writeFileSync(scratch.in("state/state.json"), text);
  expect(readState(scratch.in("state"))).toEqual({ state: {}, readable: false });
});
