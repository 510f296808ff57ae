/** Says what is wrong with a value and what is expected, if the value's shape has no message of its own. Pure. */
import * as z from "zod";
import { didYouMean } from "../../rules/text/did-you-mean";

/** How many keys are listed if none is close to the one that is written. */
const LISTED = 12;

const TYPES: Readonly<Record<string, string>> = {
  string: "must be text",
  boolean: "must be true or false",
  number: "must be a number",
  int: "must be a whole number",
};

/** zod's hook for messages. For unknown keys it returns a line each. */
export function issueMessage(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return "must be set";
      return TYPES[issue.expected] ?? mustBe(issue.expected === "array" ? "a list" : "a mapping", issue.inst);
    case "invalid_value":
      return issue.values.length === 1
        ? `must be ${String(issue.values[0])}, or omitted`
        : `must be one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return issue.origin === "string" ? "must not be empty" : `must be ${String(issue.minimum)} or more`;
    case "too_big":
      return `must be ${String(issue.maximum)} or less`;
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(key, issue.inst)).join("\n");
    default:
      return undefined;
  }
}

function unknownKey(key: string, shape: unknown): string {
  const known = shape instanceof z.ZodObject ? Object.keys(shape.shape) : [];
  const list =
    known.length > LISTED ? "; docs/reference/settings.md has all keys" : `; the keys here are ${known.join(", ")}`;
  return `unknown key${didYouMean(key, known) || list}`;
}

function mustBe(what: string, shape: unknown): string {
  const form = formOf(shape);
  return form === undefined ? `must be ${what}` : `must be ${what} such as ${form}`;
}

/** The shape's example, as YAML writes it on one line. */
function formOf(shape: unknown): string | undefined {
  if (shape instanceof z.ZodArray) {
    const entry = formOf(shape.element);
    return entry === undefined ? undefined : `[${entry}]`;
  }
  const examples = shape instanceof z.ZodObject ? shape.meta()?.examples : undefined;
  return Array.isArray(examples) ? flow(examples[0]) : undefined;
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${key}: ${flow(inner)}`)
    .join(", ")} }`;
}
