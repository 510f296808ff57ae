import { describe, expect, it } from "vitest";
import { bannedUseText, bannedWords, findBannedWords } from "../../../tools/banned-words";

const found = (text: string) => findBannedWords(text).map((use) => `${use.line} ${use.found}`);

describe("banned words", () => {
  it.each([
    ["a word", "lets VMs try it anew", ["1 anew"]],
    ["a capital", "Seldom needed", ["1 Seldom"]],
    ["a part of a name", "startAnew(); told_alive", ["1 Anew", "1 told"]],
    ["a phrase", "what becomes of it", ["1 becomes of"]],
    ["a phrase over two lines of a comment", "one\n/**\n * VMs take\n * in an approval", ["3 take in"]],
    ["several, in the order of lines", "told\nanew\ntold", ["1 told", "2 anew", "3 told"]],
    ["names as they are written", "letGo()", ["1 letGo"]],
  ])("finds %s", (_, text, expected) => expect(found(text)).toEqual(expected));

  it.each([
    "forward",
    "embed",
    "still",
    "recommend",
    "untold",
    "a new VM",
    "striker",
    "goOnce",
    "mendel",
    "there is no homeConfigurations.a",
  ])("leaves %s alone", (text) => expect(found(text)).toEqual([]));

  it("says the file, the line, the word and what to write", () => {
    const [use] = findBannedWords("\nwrites it anew");
    expect(use && bannedUseText("docs/x.md", use)).toBe('docs/x.md:2: "anew" (archaic); write: again');
  });

  it("has each word once, with a reason and something to write", () => {
    const words = bannedWords.flatMap((one) => one.words);
    expect(new Set(words).size).toBe(words.length);
    for (const { reason, instead } of bannedWords) expect([reason, instead]).not.toContain("");
  });
});
