import { stripVTControlCharacters } from "node:util";

/** No printed line is longer: the command provider hangs for ever on one of more than 64 KiB. In UTF-16 units, ≤ 3 bytes each. */
export const lineLimit = 1000;

/**
 * Characters that could move a terminal's cursor, reorder a line or hide in it: control characters apart from tab and newline,
 * zero-width characters, and those that change the direction of writing.
 */
const unprintable =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** Half of a surrogate pair alone, which is no character. */
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text from somewhere else, safe to print: escape sequences are dropped; tabs and newlines stay. */
export function printable(text: string): string {
  return stripVTControlCharacters(text.replace(/\r\n?/g, "\n"))
    .replace(unprintable, "")
    .replace(loneSurrogate, "\ufffd");
}

/** Text from somewhere else as a single line of bounded length. */
export function oneLine(text: string, limit = lineLimit): string {
  return truncate(
    printable(text)
      .replace(/[\s\u0085]+/gu, " ")
      .trim(),
    limit,
  );
}

/** At most `limit` UTF-16 units; an ellipsis stands for what was cut off. */
export function truncate(text: string, limit: number): string {
  if (text.length <= limit) {
    return text;
  }
  return text.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, "") + "…";
}

/** The last lines that say something, each of bounded length. */
export function lastLines(text: string, count: number): string[] {
  const lines = printable(text)
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
  return lines.slice(-count).map((line) => truncate(line.replaceAll("\t", "    "), lineLimit));
}

/** `1 VM`, `2 VMs`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
