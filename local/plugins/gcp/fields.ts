/** The mapping between a resource's properties and Compute's JSON: tables, and the pure functions that apply them. */
import type { Change } from "../core/diff";
import { isObject, UNKNOWN, type Props, type Value } from "../core/value";
import type { Scope } from "./links";

export interface Field {
  /** Compute's name, if it differs; dots lead into objects. */
  rest?: string;
  /** Changed by a call; every other field replaces the resource. */
  inPlace?: true;
  /** The fields of an object, or of each object of a list. */
  of?: Fields;
  /** The cloud fills it in if the program does not set it: unknown in a preview. */
  computed?: true;
  /** The table neither sends nor reads it: the resource's own functions do, or only the provider uses it. */
  own?: true;
  /** Compute has a list with one item where the program has a single value. */
  once?: true;
  /** The order of this list's items has no meaning. */
  unordered?: true;
  /** A refresh keeps the program's value. */
  keep?: true;
  /** Sent if the program does not set it, as the official provider does. */
  otherwise?: Value;
  /** Whether the cloud's value means the same as the program's. */
  same?: (now: Value, input: Value) => boolean;
  to?: (value: Value, scope: Scope) => Value;
  from?: (value: Value) => Value;
}

export type Fields = Record<string, Field>;

/** Properties → the JSON for Compute. */
export function encode(fields: Fields, props: Props, scope: Scope): Props {
  const body: Props = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = props[name] ?? field.otherwise ?? null;
    if (value === null || field.own) continue;
    put(body, field.rest ?? name, encodeField(field, value, scope));
  }
  return body;
}

function encodeField(field: Field, value: Value, scope: Scope): Value {
  if (field.once) return [value];
  if (Array.isArray(value)) return value.map((item) => encodeField(field, item, scope));
  if (field.of && isObject(value)) return encode(field.of, value, scope);
  return field.to ? field.to(value, scope) : value;
}

/** Compute's JSON → properties. */
export function decode(fields: Fields, answer: Props): Props {
  const props: Props = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field.own) continue;
    const value = take(answer, field.rest ?? name);
    if (value !== null) props[name] = decodeField(field, value);
  }
  return props;
}

function decodeField(field: Field, value: Value): Value {
  if (field.once && Array.isArray(value)) return value[0] ?? null;
  if (Array.isArray(value)) return value.map((item) => decodeField(field, item));
  if (field.of && isObject(value)) return decode(field.of, value);
  return field.from ? field.from(value) : value;
}

function put(body: Props, path: string, value: Value): void {
  const [first = "", ...rest] = path.split(".");
  if (rest.length === 0) {
    body[first] = value;
    return;
  }
  const inner = body[first];
  const object: Props = isObject(inner) ? inner : {};
  put(object, rest.join("."), value);
  body[first] = object;
}

function take(answer: Props, path: string): Value {
  let value: Value = answer;
  for (const part of path.split(".")) value = isObject(value) ? (value[part] ?? null) : null;
  return value;
}

/** The properties as a preview shows them: values that the cloud will fill in are unknown. */
export function foreseen(fields: Fields, props: Props): Props {
  const filled = Object.entries(fields).flatMap(([name, field]) => {
    const value = props[name];
    if (value === undefined || value === null) return field.computed ? [[name, UNKNOWN] as const] : [];
    return [[name, foreseenField(field, value)] as const];
  });
  return { ...props, ...Object.fromEntries(filled) };
}

function foreseenField(field: Field, value: Value): Value {
  if (Array.isArray(value)) return value.map((item) => foreseenField(field, item));
  return field.of && isObject(value) ? foreseen(field.of, value) : value;
}

/** Whether a call makes the change, rather than a replacement. */
export function isInPlace(fields: Fields, { rule }: Change): boolean {
  return along(fields, rule).some((field) => field?.inPlace);
}

/** Whether a property that the program no longer sets keeps the cloud's value, so that this is no change: one that the cloud fills in. */
export function isLeft(fields: Fields, { rule, kind }: Change): boolean {
  return kind === "delete" && along(fields, rule).at(-1)?.computed === true;
}

/** Whether both values of a changed property have the same meaning for its field. */
export function isSame(fields: Fields, { rule }: Change, olds: Props, inputs: Props): boolean {
  const [name = ""] = rule;
  return fields[name]?.same?.(olds[name] ?? null, inputs[name] ?? null) === true;
}

/** The fields on the way to a property, ending with the property itself. */
function along(fields: Fields, rule: readonly string[]): (Field | undefined)[] {
  let level: Fields | undefined = fields;
  return rule.map((part) => {
    const field: Field | undefined = level?.[part];
    level = field?.of;
    return field;
  });
}

/** The properties that no table translates, as paths. */
export function untranslated(fields: Fields, props: Props, path = ""): string[] {
  return Object.entries(props).flatMap(([name, value]) => {
    if (name.startsWith("__") || value === null) return [];
    const field = fields[name];
    if (!field) return [path + name];
    const inner = Array.isArray(value) ? value : [value];
    return field.of
      ? inner.flatMap((item) => (isObject(item) && field.of ? untranslated(field.of, item, `${path}${name}.`) : []))
      : [];
  });
}

/** Sorts lists whose order has no meaning, so that a comparison shows only real differences. */
export function ordered(fields: Fields, props: Props): Props {
  return Object.fromEntries(
    Object.entries(props).map(([name, value]) => {
      const field = fields[name];
      return [name, field ? orderedField(field, value) : value];
    }),
  );
}

function orderedField(field: Field, value: Value): Value {
  if (Array.isArray(value)) {
    const items = value.map((item) => orderedField(field, item));
    // A list with an unknown item equals no known list, in any order.
    return field.unordered && items.every((item) => typeof item === "string") ? items.sort() : items;
  }
  return field.of && isObject(value) ? ordered(field.of, value) : value;
}

/**
 * The inputs after a refresh: the properties that the program set, with the cloud's present values. A refresh ignores properties
 * that the program did not set.
 */
export function refreshed(fields: Fields, inputs: Props, state: Props, same: (a: Value, b: Value) => boolean): Props {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => {
      const field = fields[name];
      return [name, field && !field.keep ? refreshedField(field, input, state[name] ?? null, same) : input];
    }),
  );
}

/** The inputs of an import: as in the official provider without defaults, and without empty lists and objects. */
export function imported(fields: Fields, state: Props): Props {
  const inputs = Object.entries(fields).flatMap(([name, field]) => {
    const value = importedField(field, state[name] ?? null);
    const left = typeof value === "object" ? isEmpty(value) : value === field.otherwise;
    return left ? [] : [[name, value] as const];
  });
  return Object.fromEntries(inputs);
}

function importedField(field: Field, value: Value): Value {
  if (Array.isArray(value)) return value.map((item) => importedField(field, item));
  return field.of && isObject(value) ? imported(field.of, value) : value;
}

/**
 * The values that a diff compares the program's inputs with. The official provider compares them with the state: with the cloud's values
 * at the last refresh or update of any kind. So a value that someone else set in an optional field is a change, unless the cloud itself
 * fills the field in.
 */
export function known(fields: Fields, inputs: Props, state: Props, same: (a: Value, b: Value) => boolean): Props {
  const foreign = Object.entries(fields).flatMap(([name, field]) => {
    const value = state[name];
    const optional = !field.computed && !field.keep && field.otherwise === undefined;
    return optional && (inputs[name] ?? null) === null && !isEmpty(value) ? [[name, value ?? null] as const] : [];
  });
  const read = Object.fromEntries(Object.entries(inputs).filter(([name]) => (state[name] ?? null) !== null));
  return { ...inputs, ...refreshed(fields, read, state, same), ...Object.fromEntries(foreign) };
}

/** Terraform's zero values. Its state does not distinguish them from "not set". */
function isEmpty(value: Value | undefined): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) ? Object.values(value).every(isEmpty) : value === undefined || !value;
}

function refreshedField(field: Field, input: Value, now: Value, same: (a: Value, b: Value) => boolean): Value {
  if (same(input, now)) return input;
  if (Array.isArray(input) && Array.isArray(now)) {
    const sets = JSON.stringify([...input].sort()) === JSON.stringify([...now].sort());
    if (field.unordered && sets) return input;
    if (input.length !== now.length) return now;
    return input.map((item, i) => refreshedField(field, item, now[i] ?? null, same));
  }
  if (field.of && isObject(input) && isObject(now)) return refreshed(field.of, input, now, same);
  // Compute omits values that are false or empty.
  return now === null && !isObject(input) ? input : now;
}
