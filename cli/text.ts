/** Text for a terminal. What makes text from somewhere else safe is `rules/text`. */
import { lineLimit, printable, truncate } from "../rules/text";

export { lineLimit, oneLine, printable, truncate } from "../rules/text";

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
