import { readdirSync, readFileSync, renameSync } from "node:fs";
import { execa } from "execa";
import { expect, test } from "vitest";
import { messageOf, reasonOf } from "../../../rules/text/system-error";

function thrown(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

test.each([
  [() => readFileSync("/no/file"), "/no/file: no such file or directory", "no such file or directory"],
  [() => readdirSync("/dev/null"), "/dev/null: not a directory", "not a directory"],
  [() => readFileSync("/"), "illegal operation on a directory", "illegal operation on a directory"],
  [() => renameSync("/no/a", "/no/b"), "/no/a: no such file or directory", "no such file or directory"],
  [() => JSON.parse("") as unknown, "Unexpected end of JSON input", "Unexpected end of JSON input"],
])("errors of files are in words, with their path: %#", (act, message, reason) => {
  expect([messageOf(thrown(act)), reasonOf(thrown(act))]).toEqual([message, reason]);
});

test("a program that is not there is named, also where a library says so", async () => {
  expect(messageOf(await execa("no-such-program").catch((error: unknown) => error))).toBe(
    "no-such-program is not on PATH; run this where it is installed",
  );
});

test("a library's message keeps its own words", () => {
  const text = "The file is not there. ENOENT: no such file or directory, lstat '/x'; look again";
  expect(messageOf(new Error(text))).toBe("The file is not there. /x: no such file or directory; look again");
  expect(messageOf("a text")).toBe("a text");
});
