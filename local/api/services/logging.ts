/** The two calls of Cloud Logging that store a fleet's history: one writes entries to a log, the other finds them by their labels. */
import { ApiError } from "../errors";
import type { Service } from "./service";
import { isObject, objectsIn } from "../../../rules/text/json";
import type { Store } from "../store";
import type { LogEntry } from "../types";

type Body = Record<string, unknown>;

/** Number of entries kept. Older ones are deleted, as Google's are after some time. */
const KEPT = 10_000;
/** Google's limit for one page. */
const PAGE = 1_000;

export const logging: Service = (store, { method, pathname, body }) => {
  if (method !== "POST") return undefined;
  if (pathname === "/logging/v2/entries:write") return write(store, body);
  return pathname === "/logging/v2/entries:list" ? list(store, body) : undefined;
};

function write(store: Store, body: Body): Body {
  const entries = objectsIn(body["entries"]).map((entry) => complete(store, body, entry));
  if (entries.length === 0) throw invalid("entries is empty");
  store.state.logEntries = [...(store.state.logEntries ?? []), ...entries].slice(-KEPT);
  store.changed();
  return {};
}

function complete(store: Store, body: Body, entry: Body): LogEntry {
  const logName = text(entry["logName"] ?? body["logName"]);
  if (!logName.startsWith(`projects/${store.project}/logs/`)) throw forbidden(logName);
  const resource = entry["resource"] ?? body["resource"];
  if (!isObject(resource) || typeof resource["type"] !== "string") throw invalid("resource.type is missing");
  const now = store.timestamp();
  return {
    ...entry,
    logName,
    resource,
    timestamp: text(entry["timestamp"]) || now,
    receiveTimestamp: now,
    insertId: text(entry["insertId"]) || store.newId(),
    severity: text(entry["severity"]) || "DEFAULT",
    labels: { ...asRecord(body["labels"]), ...asRecord(entry["labels"]) } as Record<string, string>,
  };
}

function list(store: Store, body: Body): Body {
  const names = body["resourceNames"];
  if (!Array.isArray(names) || names.length === 0) throw invalid("resourceNames is empty");
  for (const name of names) if (name !== `projects/${store.project}`) throw forbidden(String(name));
  const order = text(body["orderBy"]) || "timestamp asc";
  if (!/^timestamp (asc|desc)$/.test(order))
    throw invalid(`orderBy "${order}"; timestamp asc or timestamp desc is right`);
  const size = Math.min(PAGE, Number(body["pageSize"] ?? 50) || 50);
  const from = Number(text(body["pageToken"]) || 0);
  const matches = parseFilter(text(body["filter"]));
  const found = (store.state.logEntries ?? []).filter(matches).sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
  if (order.endsWith("desc")) found.reverse();
  const entries = found.slice(from, from + size);
  return {
    ...(entries.length === 0 ? {} : { entries }),
    ...(from + size < found.length ? { nextPageToken: String(from + size) } : {}),
  };
}

/** A part of Logging's query language: comparisons with quoted texts, all of which must hold. @throws ApiError 400 for anything else */
function parseFilter(filter: string): (entry: LogEntry) => boolean {
  if (filter.trim() === "") return () => true;
  const tests = filter.split(/\s+AND\s+/).map((written) => {
    const [, field = "", operator = "", value = ""] =
      /^([\w.]+)\s*(=|>=|<=|>|<)\s*"([^"]*)"$/.exec(written.trim()) ?? [];
    if (field === "") throw invalid(`the local cloud does not know this part of a filter: ${written}`);
    return (entry: LogEntry) => holds(operator, valueAt(entry, field), value);
  });
  return (entry) => tests.every((test) => test(entry));
}

function holds(operator: string, found: string | undefined, value: string): boolean {
  if (found === undefined) return false;
  if (operator === "=") return found === value;
  if (operator === ">=") return found >= value;
  if (operator === "<=") return found <= value;
  return operator === ">" ? found > value : found < value;
}

function valueAt(entry: LogEntry, field: string): string | undefined {
  const value = field.split(".").reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), entry);
  return typeof value === "string" ? value : undefined;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const asRecord = (value: unknown): Body => (isObject(value) ? value : {});
const invalid = (why: string) => new ApiError(400, "invalidArgument", why);
const forbidden = (name: string) => new ApiError(403, "forbidden", `No access to ${name}`);
