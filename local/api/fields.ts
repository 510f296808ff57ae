import { ApiError } from "./errors";
import { isRecord } from "./json";

/** A selection of fields: name (or `*`) → selection below it; an empty one means all of the field. */
type Selection = Map<string, Selection>;

/**
 * Google's partial responses: keeps of an answer what `fields` names, such as `items/*(instances(name,labels)),nextPageToken`.
 * @throws ApiError 400 for what is no selection.
 */
export function selectFields(body: unknown, fields: string): unknown {
  const rest = { text: fields };
  const selection = parse(rest);
  if (rest.text !== "") {
    throw unreadable(fields);
  }
  return pick(body, selection);
}

/** Takes a comma-separated list off the text, up to its end or a closing parenthesis. */
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
  if (!isRecord(value)) {
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
