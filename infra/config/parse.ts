/** Converts the raw configuration to values, and zod's issues to lines that people read. */
import type * as z from "zod";
import { closestTo } from "../../rules/text/did-you-mean";
import { own, parseJson } from "../../rules/text/json";
import { firstOf } from "../../rules/text/text";
import { withoutCredentials } from "../../rules/text/credentials";
import { SECRETS } from "./secrets";

/** The raw configuration in Pulumi's form: full keys, values as text, structures as JSON. */
export type RawConfig = Readonly<Record<string, string>>;

/** The values of one namespace; text that is JSON of another type than a string is parsed. */
export function structured(raw: RawConfig, namespace: string): Record<string, unknown> {
  const entries = Object.entries(raw).filter(([key]) => key.startsWith(namespace));
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(namespace.length), parseValue(value)]));
}

function parseValue(value: string): unknown {
  if (!/^(\{|\[|true$|false$)/.test(value)) return value;
  return parseJson(value) ?? value;
}

/** Namespaces and their keys. */
export type Known = Readonly<Record<string, readonly string[]>>;

/** What people write for a namespace besides its misspellings. */
const otherNames: Readonly<Record<string, string>> = { fleet: "nixos-fleet", google: "gcp" };

/** A line for each key in what is meant for one of the known namespaces: `fleet:follow` would be ignored. Others belong to other programs. */
export function strayKeys(raw: RawConfig, known: Known): string[] {
  return Object.keys(raw).flatMap((full) => {
    const { namespace, key } = partsOf(full);
    if (namespace in known) return [];
    const meant = own(otherNames, namespace) ?? closestTo(namespace, Object.keys(known));
    return meant !== undefined && own(known, meant)?.includes(key) === true
      ? [`${full}: unknown namespace; did you mean ${meant}:${key}?`]
      : [];
  });
}

/** A line for each key in the project's own namespace, where Pulumi puts a key without one, that is also a fleet's: it may be meant for it. */
export function ownKeys(raw: RawConfig, project: string, known: Known): string[] {
  return Object.keys(raw).flatMap((full) => {
    const { namespace, key } = partsOf(full);
    if (namespace !== project || project in known) return [];
    const meant = Object.entries(known).find(([other, keys]) => keys.includes(key) && !(`${other}:${key}` in raw));
    return meant
      ? [`${full}: this key is the program's own, and no setting of the fleet; did you mean ${meant[0]}:${key}?`]
      : [];
  });
}

function partsOf(full: string): { namespace: string; key: string } {
  const [, namespace = "", key = ""] = /^(?:([^:]*):)?([^.[]*)/.exec(full) ?? [];
  return { namespace, key };
}

/** How many a line names besides the first. */
const NAMED = 3;

/** A line about several things: that of the first one, with the names of the others. */
export function withOthers(line: string, others: readonly string[]): string {
  return others.length === 0 ? line : `${line} (the same: ${firstOf(others, NAMED)})`;
}

/** Each mistake once: the same mistake in many elements of a list, such as all VMs' zones, is one line at the first of them. */
export function mergeElements(mistakes: readonly string[]): string[] {
  const causes = new Map<string, { line: string; more: string[] }>();
  for (const line of mistakes) {
    const [, list = "", index = "", rest = ""] = /^([\w:-]+)\[(\d+)\](.*)$/s.exec(line) ?? [];
    const key = list === "" ? line : `${list}[]${rest}`;
    const cause = causes.get(key);
    if (cause === undefined) causes.set(key, { line, more: [] });
    else if (line !== cause.line) cause.more.push(`${list.replace(/^.*:/, "")}[${index}]`);
  }
  return [...causes.values()].map(({ line, more }) => withOthers(line, more));
}

/** The key that a line is about. */
const keyOf = (line: string): string => line.slice(0, line.indexOf(": "));

/**
 * A value of the wrong shape is one mistake, which its first line says.
 * @param shapes lines about the values' shapes
 * @param others lines that follow from a wrong shape if they are about the same key
 */
export function onePerShape(
  shapes: readonly string[],
  others: readonly string[],
): { shapes: string[]; others: string[] } {
  const first = new Map(shapes.toReversed().map((line) => [keyOf(line), line]));
  return {
    shapes: shapes.filter((line) => first.get(keyOf(line)) === line),
    others: others.filter((line) => !first.has(keyOf(line))),
  };
}

/** A value in the form in which a line quotes it. */
export function quote(value: unknown): string {
  const text = withoutCredentials(JSON.stringify(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** zod's issues as lines `key: value message`; they never contain a secret's value. */
export function lines(namespace: string, error: z.ZodError): string[] {
  return error.issues.flatMap((issue) => {
    const at = namespace + keyPath(issue.path);
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key, index) => {
        const message = issue.message.split("\n")[index] ?? "unknown key";
        return `${issue.path.length > 0 ? `${at}.` : at}${key}: ${message}`;
      });
    const secret = SECRETS.some((key) => key === issue.path[0]);
    const shown = issue.input === undefined ? "" : `${secret ? "the value" : quote(issue.input)} `;
    // zod reports a wrong key of a record one level deeper.
    const message = (issue.code === "invalid_key" && issue.issues[0]?.message) || issue.message;
    return [`${at}: ${shown}${decapitalize(message)}`];
  });
}

function keyPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index > 0 ? "." : ""}${String(part)}`))
    .join("");
}

function decapitalize(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
