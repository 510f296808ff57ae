/** Which line of `git ls-remote` names a reference. */
import { expect, it } from "vitest";
import { revisionOf } from "../../../rules/listed-refs";

const [one, other] = ["1".repeat(40), "2".repeat(40)];
const ref = "refs/heads/main";

it.each([
  ["the reference alone", `${one}\t${ref}\n`, one],
  ["after one whose name ends in the same words", `${other}\trefs/heads/a/${ref}\n${one}\t${ref}\n`, one],
  ["before one whose name begins with the same words", `${one}\t${ref}\n${other}\t${ref}s\n`, one],
  ["only one whose name ends in the same words", `${other}\trefs/heads/a/${ref}\n`, undefined],
  ["nothing", "", undefined],
  ["a line that names no revision", `ref: refs/heads/main\t${ref}\n`, undefined],
])("is found by its whole name: %s", (_, listed, revision) => {
  expect(revisionOf(ref, listed)).toBe(revision);
});
