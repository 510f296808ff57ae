/**
 * A terminal as a picture: node --require tsx/cjs tools/terminal-still.ts <OUTPUT >STILL.svg. Reads what commands printed, with their colours,
 * and draws it for light and dark pages. docs/images/terminal.svg is made so, from real output.
 */
import { readFileSync } from "node:fs";

const CELL = { width: 8.4, height: 19 };
const MARGIN = 16;

/** SGR codes → class. What is not here is drawn as plain text. */
const CLASSES: Readonly<Record<string, string>> = {
  1: "bold",
  2: "dim",
  31: "red",
  32: "green",
  33: "yellow",
  34: "blue",
  35: "magenta",
  36: "cyan",
  90: "dim",
};

const STYLE = `
  .page { fill: #f6f8fa; stroke: #d0d7de } text { font: 14px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; white-space: pre }
  .bold { font-weight: 600 } .dim { fill: #59636e } .red { fill: #c21c2a } .green { fill: #116329 } .yellow { fill: #7d4e00 }
  .blue { fill: #0550ae } .magenta { fill: #8250df } .cyan { fill: #1b6e81 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #151b23; stroke: #3d444d } text { fill: #e6edf3 } .dim { fill: #9198a1 } .red { fill: #ff7b72 } .green { fill: #56d364 }
    .yellow { fill: #e3b341 } .blue { fill: #79c0ff } .magenta { fill: #d2a8ff } .cyan { fill: #76e3ea }
  }`;

interface Run {
  text: string;
  classes: readonly string[];
}

/** A line as runs of one look each. */
function runsOf(line: string): Run[] {
  let classes: string[] = [];
  const parts = line.split(/\u001b\[([0-9;]*)m/);
  return parts.flatMap((part, index): Run[] => {
    if (index % 2 === 0) return part === "" ? [] : [{ text: part, classes }];
    classes = part
      .split(";")
      .reduce((now: string[], code) => ends(now, code), classes)
      .filter((name, at, all) => all.indexOf(name) === at);
    return [];
  });
}

function ends(now: string[], code: string): string[] {
  if (code === "" || code === "0") return [];
  if (code === "22") return now.filter((name) => name !== "bold" && name !== "dim");
  if (code === "39") return now.filter((name) => name === "bold" || name === "dim");
  const name = CLASSES[code];
  return name === undefined ? now : [...now, name];
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** @param output text with SGR colours, as commands print it on a terminal */
export function terminalStill(output: string, title: string): string {
  const lines = output.trimEnd().split("\n").map(runsOf);
  const columns = Math.max(...lines.map((runs) => runs.reduce((sum, { text }) => sum + Array.from(text).length, 0)));
  const [width, height] = [Math.ceil(columns * CELL.width) + 2 * MARGIN, lines.length * CELL.height + 2 * MARGIN];
  const drawn = lines.map((runs, row) => {
    const spans = runs.map(({ text, classes }) =>
      classes.length === 0 ? escaped(text) : `<tspan class="${classes.join(" ")}">${escaped(text)}</tspan>`,
    );
    return `  <text x="${MARGIN}" y="${MARGIN + (row + 1) * CELL.height - 5}" xml:space="preserve">${spans.join("")}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `  <title>${escaped(title)}</title>`,
    `  <style>${STYLE}\n  </style>`,
    `  <rect class="page" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}

if (require.main === module)
  process.stdout.write(terminalStill(readFileSync(0, "utf8"), process.argv[2] ?? "A terminal"));
