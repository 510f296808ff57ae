/** Checks inputs against the package's declarations. */
import type { Properties, Shape } from "./typings";
import { isObject, UNKNOWN, type Props, type Value } from "./value";

/** One invalid input; the engine prints the reason and names the property. */
export interface Failure {
  property: string;
  reason: string;
}

/** Everything wrong with `inputs`: unknown properties, missing ones, values of another type; `label` names the package. */
export function mistakes(properties: Properties, inputs: Props, label: string, path = ""): Failure[] {
  const at = (key: string) => (path === "" ? key : `${path}.${key}`);
  const unknown = Object.keys(inputs)
    .filter((key) => !key.startsWith("__") && !(key in properties))
    .map((key) => ({
      property: at(key),
      reason: `${at(key)} is no property that ${label} knows${meant(key, properties)}`,
    }));
  const rest = Object.entries(properties).flatMap(([key, { shape, required }]) => {
    const value = inputs[key] ?? null;
    if (value !== null) return misfits(shape, value, at(key), label);
    return required ? [{ property: at(key), reason: `${at(key)} is required` }] : [];
  });
  return [...unknown, ...rest];
}

function misfits(shape: Shape, value: Value, path: string, label: string): Failure[] {
  if (value === UNKNOWN || shape.kind === "any") return [];
  const wrong = (wanted: string) => [{ property: path, reason: `${path} must be ${wanted}, not ${described(value)}` }];
  switch (shape.kind) {
    case "string":
    case "number":
    case "boolean":
      return typeof value === shape.kind ? [] : wrong(`a ${shape.kind}`);
    case "literals":
      return typeof value === "string" && shape.values.includes(value)
        ? []
        : wrong(`one of ${shape.values.join(", ")}`);
    case "array":
      if (!Array.isArray(value)) return wrong("a list");
      return value.flatMap((item, i) => misfits(shape.of, item, `${path}[${i}]`, label));
    case "map":
      if (!isObject(value)) return wrong("a map");
      return Object.entries(value).flatMap(([key, item]) => misfits(shape.of, item, `${path}.${key}`, label));
    case "object":
      return isObject(value) ? mistakes(shape.properties(), value, label, path) : wrong("an object");
  }
}

function described(value: Value): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  // Never the value itself: it may be a secret.
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function meant(key: string, properties: Properties): string {
  const near = Object.keys(properties).find((known) => distance(known.toLowerCase(), key.toLowerCase()) <= 2);
  return near === undefined ? "" : `; did you mean ${near}?`;
}

/** Edits between two words (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
