/** The help of the tool and of its commands, from their descriptions. */
import type { Command, OptionSpec } from "./command";
import { summaries } from "./registry";
import { wrap } from "../text";

/** A command's help, in lines. @param width characters of a line at most */
export function helpLines(command: Command, width = Infinity): string[] {
  const options = [
    ...Object.entries(command.options).map(
      ([name, spec]) => [`--${name}${spec.value === undefined ? "" : ` ${spec.value}`}`, descriptionOf(spec)] as const,
    ),
    ["--help", "this text"] as const,
  ];
  return [
    ...wrap(`usage: fleet ${command.name} ${command.usage}`.trimEnd(), width, 4),
    "",
    ...wrapParagraph(command.description, width),
    "",
    ...definitions(options, width),
    "",
    "examples:",
    ...command.examples.map((example) => `  fleet ${example}`),
  ];
}

/** The list of commands. */
export function overviewLines(width = Infinity): string[] {
  return [
    "usage: fleet COMMAND [OPTION…]",
    "",
    ...definitions(Object.entries(summaries), width),
    "",
    ...wrap("fleet COMMAND --help says more, with examples; --version says which version this is.", width),
  ];
}

function descriptionOf({ description, env }: OptionSpec): string {
  return env === undefined ? description : `${description} (${[env].flat().join(", ")})`;
}

/** Two columns; one below the other if the terminal is too narrow for that. */
function definitions(rows: readonly (readonly [string, string])[], width: number): string[] {
  const left = Math.max(...rows.map(([term]) => term.length));
  const narrow = width < left + 34;
  return rows.flatMap(([term, text]) =>
    narrow
      ? [`  ${term}`, ...wrap(`      ${text}`, width, 6)]
      : wrap(`  ${term.padEnd(left)}  ${text}`, width, left + 4),
  );
}

/** Lines as they were written if they fit, otherwise wrapped again. */
function wrapParagraph(lines: readonly string[], width: number): string[] {
  return lines.every((line) => line.length <= width) ? [...lines] : wrap(lines.join(" "), width);
}
