/** Makes text from another source safe to print and limits its length. */

/** The limit of a printed line, in UTF-16 units: the command provider hangs on a line of more than 64 KiB. */
export const lineLimit = 1000;

/**
 * Characters that could move a terminal's cursor, reorder a line or be invisible: control characters apart from tab and newline, zero-width
 * characters, and characters that change the direction of writing.
 */
const unprintable =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** A single half of a surrogate pair, which is not a character. */
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Terminal escape sequences: OSC strings up to their end, CSI with its parameters, and the two-character sequences. */
const escapeSequence =
  /(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]/g;

/**
 * What the runner of a CI job takes for a command when the job prints it: GitHub's `::name::` at the start of a line and `##[name]` anywhere,
 * Azure's `##vso[` and TeamCity's `##teamcity[`. A line may also be broken at a space.
 */
const runnerCommand = /(?<=^|\s)::(?=[a-z])|##(?=\w*\[)/gim;

/** Text from another source, safe to print: escape sequences are dropped and commands to CI runners broken; tabs and newlines stay. */
export function printable(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(escapeSequence, "")
    .replace(unprintable, "")
    .replace(loneSurrogate, "\ufffd")
    .replace(runnerCommand, ([first = "", second = ""]) => `${first} ${second}`);
}

/** Text from another source as a single line of limited length. */
export function oneLine(text: string, limit = lineLimit): string {
  return truncate(
    printable(text)
      .replace(/[\s\u0085]+/gu, " ")
      .trim(),
    limit,
  );
}

/** At most `limit` UTF-16 units; an ellipsis replaces what was cut off. */
export function truncate(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return text.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, "") + "…";
}

/** `1 VM`, `2 VMs`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Names in a line; after the first `most`, the rest are only counted: `a, b and 3 more`. */
export function firstOf(names: readonly string[], most = 6): string {
  const more = names.length - most;
  return names.slice(0, most).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** The length of a text in UTF-8. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** White space as Unicode defines it. */
const space = "[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const ends = new RegExp(`^${space}+|${space}+$`, "gu");
const spaces = new RegExp(`${space}+`, "gu");

/** The text without white space at its ends. */
function trimmed(text: string): string {
  return text.replace(ends, "");
}

/** The text on one line. */
export function flat(text: string): string {
  return text.replace(spaces, " ");
}

/**
 * Text from a log, for a report: without escape sequences and without control characters except newlines. Of the result it keeps the last
 * `bytes` bytes, because the line with the reason comes last.
 */
export function logText(text: string, bytes: number): string {
  const clean = text
    .replace(loneSurrogate, "\ufffd")
    .replace(/\u001b\[[0-9;?]*[a-zA-Z]/g, "")
    .replace(/\r/g, "\n")
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "");
  const characters = Array.from(trimmed(clean));
  let left = bytes;
  let from = characters.length;
  while (from > 0) {
    left -= utf8Length(characters[from - 1] ?? "");
    if (left < 0) break;
    from -= 1;
  }
  return characters.slice(from).join("");
}
