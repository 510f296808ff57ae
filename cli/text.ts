/** Text for a terminal. What makes text from somewhere else safe is `rules/text`. */
import { stripVTControlCharacters } from "node:util";
import { lineLimit, printable, truncate } from "../rules/text/text";

/** The last lines that say something, each of bounded length. */
export function lastLines(text: string, count: number): string[] {
  const lines = printable(text)
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
  return lines.slice(-count).map((line) => truncate(line.replaceAll("\t", "    "), lineLimit));
}

/** Lines of at most `width` characters, broken at spaces; a word that is longer stays whole, and colours take no room. @param indent of all lines but the first */
export function wrap(text: string, width: number, indent = 0): string[] {
  if (shownLength(text) <= width) {
    return [text];
  }
  const lead = /^ */.exec(text)?.[0] ?? "";
  const lines: string[] = [];
  let line = lead;
  for (const word of text.slice(lead.length).split(/(?<=\S)(?= )/)) {
    if (line.trim() !== "" && shownLength(line + word.trimEnd()) > width) {
      lines.push(line.trimEnd());
      line = " ".repeat(indent) + word.trimStart();
    } else {
      line += word;
    }
  }
  return [...lines, line.trimEnd()];
}

/** Characters that a terminal shows of a text. */
function shownLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
