import { styleText } from "node:util";
import { truncate } from "../../rules/text/text";

/** Characters of the last column that are shown in any case. */
const leastLast = 12;

export type Style = Parameters<typeof styleText>[0];

/** A cell: text that is safe to print, and how to colour it. */
export interface Cell {
  text: string;
  style?: Style;
}

/**
 * Lines of a table whose columns are aligned; empty cells show as `-`, so that every line has as many words as columns.
 * @param width characters of a line at most, for which the last column is cut, though not below a few
 */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly (string | Cell)[])[],
  colour: boolean,
  width = Infinity,
): string[] {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === "string" ? { text: cell } : cell)));
  const all: Cell[][] = [header.map((text) => ({ text, style: "bold" as const })), ...cells];
  const widths = header.map((_, column) => Math.max(...all.map((row) => textOf(row[column]).length)));
  const last = header.length - 1;
  const left = Math.max(leastLast, width - widths.slice(0, last).reduce((sum, one) => sum + one + 2, 0));
  return all.map((row) =>
    row
      .map((cell, column) => {
        const text = column === last ? truncate(textOf(cell), left) : textOf(cell);
        const padding = column === last ? "" : " ".repeat((widths[column] ?? 0) - text.length);
        return paint(text, cell.style, colour) + padding;
      })
      .join("  "),
  );
}

/** The text, coloured if colour is wanted. */
export function paint(text: string, style: Style | undefined, colour: boolean): string {
  return colour && style !== undefined ? styleText(style, text, { validateStream: false }) : text;
}

/** Whether to colour what goes to this stream: only a terminal's, and not if NO_COLOR asks for none. */
export function wantsColour(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

function textOf(cell: Cell | undefined): string {
  return cell === undefined || cell.text === "" ? "-" : cell.text;
}
