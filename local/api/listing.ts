import { groupEntries } from "../../rules/group-entries";
import { ApiError, invalid } from "./errors";
import { parseFilter } from "./filter";
import type { Resource } from "./types";
import { isObject } from "../../rules/text/json";

/** A resource and its scope, such as `zones/europe-west1-b` or `global`. */
export interface Scoped {
  scope: string;
  resource: Resource;
}

interface Page {
  entries: Scoped[];
  nextPageToken?: string;
}

/**
 * One page of what a list call asks for: `filter`, `maxResults` (500 at most and by default), `pageToken`, `orderBy`.
 * A page token names the last entry of the previous page, so that pages stay correct while resources come and go.
 * @throws ApiError 400 for parameters that Compute would refuse.
 */
export function page(all: Scoped[], query: URLSearchParams): Page {
  const maximum = maxResults(query.get("maxResults"));
  const matches = parseFilter(query.get("filter") ?? "");
  const newestFirst = orderBy(query.get("orderBy"));
  const entries = all
    .filter(({ resource }) => matches(resource))
    .map((entry) => ({ entry, key: sortKey(entry, newestFirst) }))
    .sort((one, other) => (one.key < other.key ? -1 : 1));
  const token = query.get("pageToken") ?? "";
  const after = token === "" ? undefined : Buffer.from(token, "base64url").toString();
  const rest = after === undefined ? entries : entries.filter(({ key }) => key > after);
  const chosen = rest.slice(0, maximum);
  const last = chosen.at(-1);
  return {
    entries: chosen.map(({ entry }) => entry),
    ...(rest.length > maximum && last !== undefined
      ? { nextPageToken: Buffer.from(last.key).toString("base64url") }
      : {}),
  };
}

/** Entries by scope, as aggregated lists show them; an empty scope says so. `field` is the collection's name. */
export function aggregate(entries: Scoped[], scopes: readonly string[], field: string): Record<string, object> {
  const byScope = groupEntries(entries.map(({ scope, resource }) => [scope, resource] as const));
  const items = scopes.map((scope) => {
    const found = byScope.get(scope);
    return [scope, found === undefined ? { warning: noResults(scope) } : { [field]: found }] as const;
  });
  return Object.fromEntries(items);
}

function noResults(scope: string): object {
  return {
    code: "NO_RESULTS_ON_PAGE",
    message: `There are no results for scope '${scope}' on this page.`,
    data: [{ key: "scope", value: scope }],
  };
}

function maxResults(text: string | null): number {
  if (text === null) {
    return 500;
  }
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 500) {
    throw invalid("maxResults", text, "Must be between 0 and 500, inclusive.");
  }
  return number === 0 ? 500 : number;
}

function orderBy(text: string | null): boolean {
  if (text === null || text === "" || text === "name") {
    return false;
  }
  if (text === "creationTimestamp desc") {
    return true;
  }
  throw new ApiError(400, "invalid", `Invalid value for field 'orderBy': '${text}'. Cannot order by this field.`);
}

/** Names are unique in a scope; ids grow over time. */
function sortKey({ scope, resource }: Scoped, newestFirst: boolean): string {
  return newestFirst
    ? String(Number.MAX_SAFE_INTEGER - Number(resource.id)).padStart(16, "0")
    : `${scope}/${resource.name}`;
}

/** A selection of fields: name (or `*`) → selection below it; an empty one means all of the field. */
type Selection = Map<string, Selection>;

/**
 * Google's partial responses: keeps only the fields that `fields` names, such as `items/*(instances(name,labels)),nextPageToken`.
 * @throws ApiError 400 if the text is not a selection.
 */
export function selectFields(body: unknown, fields: string): unknown {
  const rest = { text: fields };
  const selection = parse(rest);
  if (rest.text !== "") {
    throw unreadable(fields);
  }
  return pick(body, selection);
}

/** Reads a comma-separated list from the text, up to its end or a closing parenthesis. */
function parse(rest: { text: string }): Selection {
  const selection: Selection = new Map();
  do {
    const match = /^\s*([\w*]+(?:\/[\w*]+)*)\s*/.exec(rest.text);
    if (match?.[1] === undefined) {
      throw unreadable(rest.text);
    }
    rest.text = rest.text.slice(match[0].length);
    let below: Selection = new Map();
    if (rest.text.startsWith("(")) {
      rest.text = rest.text.slice(1);
      below = parse(rest);
      if (!rest.text.startsWith(")")) {
        throw unreadable(rest.text);
      }
      rest.text = rest.text.slice(1);
    }
    add(selection, match[1].split("/"), below);
  } while (takeComma(rest));
  return selection;
}

function takeComma(rest: { text: string }): boolean {
  const found = rest.text.startsWith(",");
  rest.text = found ? rest.text.slice(1) : rest.text;
  return found;
}

function add(selection: Selection, path: string[], below: Selection): void {
  const [first = "", ...others] = path;
  const before = selection.get(first);
  if (others.length === 0) {
    selection.set(first, before === undefined ? below : new Map([...before, ...below]));
    return;
  }
  const child: Selection = before ?? new Map<string, Selection>();
  selection.set(first, child);
  add(child, others, below);
}

function pick(value: unknown, selection: Selection): unknown {
  if (selection.size === 0) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown) => pick(item, selection));
  }
  if (!isObject(value)) {
    return value;
  }
  const kept = Object.entries(value).flatMap(([key, field]) => {
    const below = selection.get(key) ?? selection.get("*");
    return below === undefined ? [] : [[key, pick(field, below)] as const];
  });
  return Object.fromEntries(kept);
}

function unreadable(fields: string): ApiError {
  return new ApiError(400, "invalidParameter", `Invalid field selection ${fields}`);
}
