/** infra/config/fleet-settings.ts: the settings as an interface with a comment on each key, from the JSON Schema of a stack's file. */
import { durationPattern } from "../../rules/text/duration";
import { formatted } from "./formatted";
import { NAMESPACE, presetOf, range, type Schema, type StackFileSchema } from "./settings";

const HEAD = `/**
 * The settings as people write them, without defaults. \`./scripts/docs\` writes this file from the shapes that the program checks: editors
 * show no description of a type that is inferred from those.
 */`;

/**
 * The file's text. `vmsFile` is no part of it: it is replaced by `vms` before the settings are checked.
 * @param required the keys that a fleet cannot do without
 */
export function settingsType(schema: StackFileSchema, required: readonly string[]): Promise<string> {
  const properties = Object.entries(schema.properties.config.properties)
    .filter(([key]) => key.startsWith(NAMESPACE) && key !== `${NAMESPACE}vmsFile`)
    .map(([key, { description, anyOf: [value = {}] = [] }]) => [
      key.slice(NAMESPACE.length),
      { ...value, ...(description === undefined ? {} : { description }) },
    ]);
  const settings: Schema = {
    properties: Object.fromEntries(properties) as Record<string, Schema>,
    required: [...required],
  };
  const text = `${HEAD}\nexport interface FleetSettings ${objectOf(settings)}\n`;
  return formatted("fleet-settings.ts", text);
}

function objectOf({ properties = {}, required = [] }: Schema): string {
  const fields = Object.entries(properties).map(([key, value]) => {
    const type = required.includes(key) ? `${key}: ${typeOf(value)}` : `${key}?: ${typeOf(value)} | undefined`;
    return `${commentOf(value)}\n${type};`;
  });
  return `{\n${fields.join("\n")}\n}`;
}

function typeOf(value: Schema): string {
  if (value.anyOf) return value.anyOf.map(typeOf).join(" | ");
  if (value.const !== undefined) return JSON.stringify(value.const);
  if (value.enum) return value.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (value.items) return `(${typeOf(value.items)})[]`;
  if (typeof value.additionalProperties === "object") return `Record<string, ${typeOf(value.additionalProperties)}>`;
  if (value.properties) return objectOf(value);
  if (value.type === "integer") return "number";
  // Zod's own checks have no JSON Schema: a number, or a share as text.
  return value.type ?? "number | string";
}

function commentOf(value: Schema): string {
  const preset = presetOf(value.default);
  const lines = [value.description ?? "", formOf(value), preset === "" ? "" : `@default ${preset}`].filter(
    (line) => line !== "",
  );
  const safe = lines.map((line) => line.replaceAll("*/", "*\\/"));
  return safe.length === 1 ? `/** ${safe[0]} */` : `/**\n${safe.map((line) => ` * ${line}`).join("\n")}\n */`;
}

/** What a value must look like, where its type does not say it. */
function formOf(value: Schema): string {
  if (value.pattern === durationPattern.source) return "A duration such as `90s`, `20m` or `1h30m`.";
  const bounds = value.type === "integer" ? range(value) : "";
  return / to /.test(bounds) ? `From ${bounds}.` : "";
}
