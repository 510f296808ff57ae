/** Reads JSON that someone else wrote: nothing here throws, and only the text's own fields count. */

/** The result of reading a text. Unknown fields are kept in `value` and named in `unknown`. */
export type Parsed<T> =
  | { ok: true; value: T; unknown: readonly string[] }
  /** One line that names the field and says what is expected. */
  | { ok: false; problem: string };

export type JsonObject = Record<string, unknown>;

/** The value of a text; undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is one of a list's words. */
export function isOneOf<T extends string>(words: readonly T[], value: unknown): value is T {
  return words.some((word) => word === value);
}

/** The object of a text; undefined if the text holds no object. */
export function parseObject(text: string): JsonObject | undefined {
  const value = parseJson(text);
  return isObject(value) ? value : undefined;
}

/** `record[key]`, only for the record's own fields: a VM may be named `constructor`. */
export function own<T>(record: Readonly<Record<string, T>> | undefined, key: string | null | undefined): T | undefined {
  if (record === undefined || key === null || key === undefined || !Object.hasOwn(record, key)) return undefined;
  return record[key];
}

/** The checks of a shape's fields. A `?` after a name makes the field optional; null counts as absent. */
export type Shape = Readonly<Record<string, Check>>;

/** What is wrong with a value, such as `must be a string`; undefined if nothing is. */
export type Check = (value: unknown) => string | undefined;

export const isString: Check = (value) => (typeof value === "string" ? undefined : "must be a string");
export const isBoolean: Check = (value) => (typeof value === "boolean" ? undefined : "must be true or false");
export const isNumber: Check = (value) => (typeof value === "number" ? undefined : "must be a number");
export const isRevision: Check = (value) =>
  typeof value === "string" && revisionPattern.test(value) ? undefined : "must be a full git revision (40 hex digits)";
export const isDigest: Check = (value) =>
  typeof value === "string" && digestPattern.test(value) ? undefined : "must be a SHA-256 (64 hex digits)";

const revisionPattern = /^[0-9a-f]{40}$/;
const digestPattern = /^[0-9a-f]{64}$/;

export function oneOf(values: readonly string[]): Check {
  return (value) =>
    typeof value === "string" && values.includes(value) ? undefined : `must be one of ${values.join(", ")}`;
}

/** A list whose elements all pass. */
export function listOf(check: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return "must be a list";
    for (const [index, entry] of value.entries()) {
      const problem = check(entry);
      if (problem !== undefined) return at(`[${index}]`, problem);
    }
    return undefined;
  };
}

/** An object whose values all pass, whatever their names. */
export function recordOf(check: Check): Check {
  return (value) => {
    if (!isObject(value)) return "must be an object";
    for (const [key, entry] of Object.entries(value)) {
      const problem = check(entry);
      if (problem !== undefined) return at(key, problem);
    }
    return undefined;
  };
}

/** An object with these fields; it may have others. */
export function objectOf(shape: Shape): Check {
  return (value) => (isObject(value) ? shapeProblem(value, shape) : "must be an object");
}

/** The problem of the first invalid field. */
export function shapeProblem(value: JsonObject, shape: Shape): string | undefined {
  for (const [written, check] of Object.entries(shape)) {
    const name = written.replace(/\?$/, "");
    const entry = own(value, name);
    if (entry === undefined || entry === null) {
      if (name === written) return at(name, "is missing");
      continue;
    }
    const problem = check(entry);
    if (problem !== undefined) return at(name, problem);
  }
  return undefined;
}

/** Reads a text that holds an object of this shape. */
export function parseShape(text: string, shape: Shape): Parsed<JsonObject> {
  const item = parseJson(text);
  if (item === undefined) return { ok: false, problem: "not JSON" };
  if (!isObject(item)) return { ok: false, problem: "not a JSON object" };
  const problem = shapeProblem(item, shape);
  return problem === undefined
    ? { ok: true, value: withoutNulls(item), unknown: unknownFields(item, shape) }
    : { ok: false, problem };
}

/** The names that a shape does not know, under a path such as `homes[0].`. */
export function unknownFields(value: unknown, shape: Shape, path = ""): string[] {
  if (!isObject(value)) return [];
  const known = Object.keys(shape).map((name) => name.replace(/\?$/, ""));
  return Object.keys(value)
    .filter((name) => !known.includes(name))
    .map((name) => path + name);
}

/** The objects of a list that may be absent. */
export function objectsIn(list: unknown): JsonObject[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/** The same object without fields that are null or undefined, which count as absent. */
export function withoutNulls(value: object): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined));
}

/** `path: problem`; a problem that has a path of its own is joined to it. */
function at(path: string, problem: string): string {
  const inner = /^([^\s:]+): (.*)$/s.exec(problem);
  if (inner === null) return `${path}: ${problem}`;
  const [, rest = "", text = ""] = inner;
  return rest.startsWith("[") ? `${path}${rest}: ${text}` : `${path}.${rest}: ${text}`;
}

/** Without the fields that are undefined. */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
