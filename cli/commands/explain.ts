import { didYouMean } from "../../rules/text/did-you-mean";
import { oneLine } from "../../rules/text/text";
import { errorKinds, type ErrorCode } from "../../rules/error-codes";
import type { Command } from "../command-line/command";
import { UsageError } from "../errors";

const codes = Object.keys(errorKinds) as ErrorCode[];

export const command: Command = {
  name: "explain",
  usage: "[CODE]",
  description: [
    "Prints the cause of an error and what to do about it. The code is at the end of the error's message, such as NF301.",
    "Without a code it lists all of them.",
  ],
  examples: ["explain NF301", "explain"],
  options: { json: { description: "the same as one JSON document" } },
  positionals: { least: 0, most: 1 },
  run({ options, positionals: [written], print }) {
    const chosen = written === undefined ? codes : [codeOf(written)];
    if (options.flag("json")) {
      const kinds = chosen.map((code) => ({ code, ...errorKinds[code] }));
      print(JSON.stringify(written === undefined ? kinds : kinds[0], null, 2));
    } else if (written === undefined) {
      for (const code of chosen) print(`${code}  ${errorKinds[code].title}`);
    } else {
      for (const code of chosen) explanation(code).forEach(print);
    }
    return Promise.resolve(0);
  },
};

function explanation(code: ErrorCode): string[] {
  const { title, cause, cure } = errorKinds[code];
  return [`${code}  ${title}`, "", `Cause: ${cause}`, `Cure: ${cure}`];
}

/** @throws UsageError if there is no such code */
function codeOf(written: string): ErrorCode {
  const found = codes.find((code) => code === written.toUpperCase());
  if (found !== undefined) return found;
  const help = didYouMean(written.toUpperCase(), codes) || "; fleet explain lists all";
  throw new UsageError(oneLine(`explain: there is no code ${written}${help}`, 200));
}
