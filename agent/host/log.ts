/** Lines for the journal: short, one fact each. On a terminal each begins with the program's name. */
import type { ErrorCode } from "../../rules/error-codes";

/** Which of the two agents this process is; the wrapper names it first. */
export type Program = "nixos-auto-update" | "nixos-hm-auto-update";

export function programName(): string {
  return process.argv[2] ?? "nixos-auto-update";
}

function inJournal(): boolean {
  return (process.env["JOURNAL_STREAM"] ?? "") !== "";
}

export function log(text: string): void {
  const prefix = inJournal() ? "" : `${programName()}: `;
  // Others wrote some of this text, such as a hold's reason.
  for (const line of text.split("\n")) process.stderr.write(`${prefix}${safe(line)}\n`);
}

/** A problem that needs a person. The journal shows it to everyone who is logged in. */
export function alarm(line: string): void {
  if (inJournal()) process.stderr.write(`<0>${safe(line)}\n`);
  else log(line);
}

/** Ends a command with a message and an exit status: 2 for wrong use, 1 for a failure, which has a code of its own. */
export class Exit extends Error {
  constructor(status: 0 | 2, message: string);
  constructor(status: 1, message: string, code: ErrorCode);
  constructor(
    readonly status: number,
    message: string,
    readonly code: ErrorCode = "NF401",
  ) {
    super(message);
  }
}

/** Anyone's text as one line that is safe to print, 120 characters at most. */
export function oneLine(text: string): string {
  return safe(text).slice(0, 120);
}

/** Anyone's text without control characters, as one line. */
export function safe(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ");
}

/** The last line of a failure's text, without Nix's decoration. */
export function lastLine(text: string): string {
  const last = text.trimEnd().split("\n").at(-1) ?? "";
  return oneLine(last.replace(/^[ >]*/, ""));
}
