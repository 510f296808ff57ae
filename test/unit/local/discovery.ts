/** Google's discovery document of Compute, as the client that is generated from it declares it: which fields an answer may have, of which type. */
import { readFileSync } from "node:fs";

type Shape = { fields: Map<string, string>; any?: string };

const types = readFileSync(require.resolve("@googleapis/compute/build/v1.d.ts"), "utf8");
const shapes = new Map<string, Shape>();

/** Everything in an answer that the schema (`Instance`) does not have, or has with another type: `disks[0].x: unknown field`. */
export function strangers(schema: string, value: unknown): string[] {
  return compare(`Schema$${schema}`, value, "");
}

function compare(type: string, value: unknown, at: string): string[] {
  if (type === "any") return [];
  if (type.endsWith("[]")) return list(type.slice(0, -2), value, at);
  const [, element] = /^Array<([\s\S]*)>$/.exec(type) ?? [];
  if (element !== undefined) return list(element, value, at);
  if (["string", "number", "boolean"].includes(type)) return typeof value === type ? [] : [`${at}: no ${type}`];
  const shape = type.startsWith("{") ? shapeOf(type) : declared(type);
  if (shape === undefined) return [`${at}: the schema ${type} does not exist`];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${at}: no ${type}`];
  return Object.entries(value).flatMap(([key, inner]) => {
    const field = shape.fields.get(key) ?? shape.any;
    return field === undefined ? [`${at}.${key}: unknown field`] : compare(field, inner, `${at}.${key}`);
  });
}

function list(element: string, value: unknown, at: string): string[] {
  if (!Array.isArray(value)) return [`${at}: no list`];
  return value.flatMap((one, index) => compare(element, one, `${at}[${index}]`));
}

function declared(name: string): Shape | undefined {
  const known = shapes.get(name);
  if (known !== undefined) return known;
  const start = types.indexOf(`interface ${name} {`);
  if (start < 0) return undefined;
  const shape = shapeOf(types.slice(types.indexOf("{", start), endOf(types, types.indexOf("{", start))));
  shapes.set(name, shape);
  return shape;
}

/** `{ name?: type; … }`, without comments. */
function shapeOf(text: string): Shape {
  const body = text.replace(/\/\*[\s\S]*?\*\//g, "");
  const shape: Shape = { fields: new Map() };
  const field = /\s*(?:\[key: string\]|(\w+)\??):\s*/y;
  field.lastIndex = 1;
  for (let match = field.exec(body); match !== null; match = field.exec(body)) {
    const from = field.lastIndex;
    let end = from;
    while (body[end] !== ";") end = "{<".includes(body[end] ?? "") ? endOf(body, end) : end + 1;
    const type = body
      .slice(from, end)
      .replace(/\s*\|\s*null$/, "")
      .trim();
    if (match[1] === undefined) shape.any = type;
    else shape.fields.set(match[1], type);
    field.lastIndex = end + 1;
  }
  return shape;
}

/** Where what opens at an index ends, the closing bracket included. */
function endOf(text: string, start: number): number {
  let depth = 0;
  for (let index = start; index < text.length; index++) {
    if ("{<".includes(text[index] ?? "")) depth += 1;
    if ("}>".includes(text[index] ?? "")) depth -= 1;
    if (depth === 0) return index + 1;
  }
  return text.length;
}
