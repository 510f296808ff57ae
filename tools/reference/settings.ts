/** docs/reference/settings.md: every setting of a stack, from the JSON Schema of its file. Pure. */
import { linked } from "./links";

/** What of a JSON Schema is read here. */
export interface Schema {
  pattern?: string;
  description?: string;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
}

export interface StackFileSchema {
  properties: { config: { properties: Record<string, Schema> } };
}

export const NAMESPACE = "nixos-fleet:";

const HEAD = `# Settings

The settings of a stack, in \`Pulumi.<stack>.yaml\`. \`gcp:project\`, \`gcp:region\`, \`nixos-fleet:repository\` and the VMs must be set. With the
library each key of \`nixos-fleet:\` is also an argument of \`Fleet\`. [Pulumi.dev.yaml](../../Pulumi.dev.yaml) is an example with every key.
\`./scripts/docs\` writes this page and [settings.schema.json](settings.schema.json), by which editors complete and check a stack's file, from the
shapes that the program itself checks.

A duration is one or more whole numbers, each with its unit: \`90s\`, \`20m\`, \`1h30m\`, \`2d\`.
`;

/** The page. */
export function settingsReference(schema: StackFileSchema): string {
  const keys = Object.entries(schema.properties.config.properties).map(
    ([key, { description, anyOf: [value = {}] = [] }]): [string, Schema] => [
      key,
      { ...value, ...(description === undefined ? {} : { description }) },
    ],
  );
  const sections = keys.flatMap(([key, value]) => {
    const rows = rowsWithin(value, "");
    return rows.length === 0
      ? []
      : [[`## ${key.replace(NAMESPACE, "")}`, "", linked(value.description ?? ""), "", ...table(rows)]];
  });
  const top = keys.map(([key, value]) => row(key.replace(NAMESPACE, ""), value, rowsWithin(value, "").length > 0));
  return [HEAD, "## All keys", "", ...table(top), ...sections.flatMap((lines) => ["", ...lines]), ""].join("\n");
}

type Row = readonly [key: string, type: string, preset: string, meaning: string];

/** The settings below one, each by its path from there. */
function rowsWithin({ properties = {}, items, anyOf = [] }: Schema, path: string): Row[] {
  const own = Object.entries(properties).flatMap(([name, value]) => {
    const at = path === "" ? name : `${path}.${name}`;
    return [row(at, value, false), ...rowsWithin(value, at)];
  });
  const elements = items ? rowsWithin(items, path === "" ? "" : `${path}[]`) : [];
  return [...own, ...elements, ...anyOf.flatMap((one) => rowsWithin(one, path))];
}

function row(key: string, value: Schema, below: boolean): Row {
  const name = below ? `[\`${key}\`](#${key.toLowerCase()})` : `\`${key}\``;
  return [name, typeOf(value), presetOf(value.default), linked(value.description ?? "")];
}

function typeOf(value: Schema): string {
  if (value.anyOf) return value.anyOf.map(typeOf).join(" or ");
  if (value.const !== undefined) return code(value.const);
  if (value.enum) return value.enum.map(code).join(", ");
  if (value.items) return `list of ${typeOf(value.items)}s`;
  if (typeof value.additionalProperties === "object") return "map";
  if (value.type === "integer") return range(value);
  return value.type ?? "number or string";
}

/** Zod writes the largest safe integer where there is no limit. */
export function range({ minimum, maximum }: Schema): string {
  const bounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  return bounded ? `${minimum} to ${maximum}` : "number";
}

/** A default as code; nothing if there is none, or an empty one. */
export function presetOf(value: unknown): string {
  const empty = value === undefined || (typeof value === "object" && Object.keys(value ?? {}).length === 0);
  return empty ? "" : code(value);
}

const code = (value: unknown) => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

function table(rows: readonly Row[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(["key", "type", "default", "meaning"]), line(["---", "---", "---", "---"]), ...rows.map(line)];
}
