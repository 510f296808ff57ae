import { invalid, required, tooLarge } from "../errors";
import { fingerprintOf, textOf } from "../json";
import { isObject } from "../../../rules/text/json";
import type { Metadata, MetadataItem } from "../types";

/** Compute's rules for names, labels, tags and metadata. Refusals use Compute's wording. */
const NAME = "(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)";
const KEY = "[a-zA-Z0-9-_]{1,128}";
const VALUE_BYTES = 256 * 1024;
const ALL_BYTES = 512 * 1024;

/** @throws ApiError if Compute would not accept `name` as a name. */
export function checkName(name: unknown, field = "resource.name"): string {
  if (name === undefined || name === "") {
    throw required(field);
  }
  if (typeof name !== "string" || !new RegExp(`^${NAME}$`).test(name)) {
    throw invalid(field, textOf(name), `Must be a match of regex '${NAME}'`);
  }
  return name;
}

/** @throws ApiError if Compute would not accept the labels. */
export function checkLabels(labels: unknown, field = "resource.labels"): Record<string, string> {
  if (labels === undefined || labels === null) {
    return {};
  }
  if (!isObject(labels)) {
    throw invalid(field, JSON.stringify(labels), "Must be a map of strings.");
  }
  const checked = Object.entries(labels).map(([key, value]) => [key, checkLabel(field, key, value)] as const);
  if (checked.length > 64) {
    throw tooLarge(field, 64, checked.length, "element(s)");
  }
  return Object.fromEntries(checked);
}

function checkLabel(field: string, key: string, value: unknown): string {
  const rule =
    "can only contain lowercase letters, numeric characters, underscores and dashes. The VALUE can be at most 63 characters long. International characters are allowed.";
  if (!/^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u.test(key)) {
    throw invalid(
      field,
      "",
      `Label key '${key}' violates format constraints. The key must start with a lowercase character, ${rule.replace("VALUE", "key")}`,
    );
  }
  if (typeof value !== "string" || !/^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u.test(value)) {
    throw invalid(
      field,
      "",
      `Label value '${textOf(value)}' violates format constraints. The value ${rule.replace("VALUE", "value")}`,
    );
  }
  return value;
}

/** @throws ApiError if these are not network tags. */
export function checkTags(items: unknown, field = "resource.tags.items"): string[] {
  if (items === undefined || items === null) {
    return [];
  }
  if (!Array.isArray(items)) {
    throw invalid(field, JSON.stringify(items), "Must be a list of strings.");
  }
  if (items.length > 64) {
    throw tooLarge(field, 64, items.length, "element(s)");
  }
  return items.map((item, index) => checkName(item, `${field}[${index}]`));
}

/**
 * Checks metadata that a client sent, for an instance or the project, and adds its fingerprint.
 * @throws ApiError if Compute would not accept a key, a value or the whole.
 */
export function checkMetadata(body: unknown, field: string): Metadata {
  const items = isObject(body) && Array.isArray(body["items"]) ? (body["items"] as unknown[]) : [];
  const checked = items.map((item, index) => checkItem(item, `${field}.items[${index}]`));
  const keys = new Set<string>();
  for (const [index, { key }] of checked.entries()) {
    if (keys.has(key)) {
      throw invalid(`${field}.items[${index}].key`, key, "Duplicate metadata key.");
    }
    keys.add(key);
  }
  const total = checked.reduce((sum, { key, value }) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (total > ALL_BYTES) {
    throw tooLarge(`${field}.items`, ALL_BYTES, total, "byte(s)");
  }
  return metadataOf(checked);
}

/** Metadata with its fingerprint. */
export function metadataOf(items: MetadataItem[]): Metadata {
  return {
    kind: "compute#metadata",
    fingerprint: fingerprintOf(items.map(({ key, value }) => [key, value])),
    ...(items.length === 0 ? {} : { items }),
  };
}

function checkItem(item: unknown, field: string): MetadataItem {
  const { key, value } = isObject(item) ? item : {};
  if (key === undefined || key === "") {
    throw required(`${field}.key`);
  }
  if (typeof key !== "string" || !new RegExp(`^${KEY}$`).test(key)) {
    throw invalid(`${field}.key`, textOf(key), `Must be a match of regex '${KEY}'`);
  }
  if (value !== undefined && value !== null && typeof value !== "string") {
    throw invalid(`${field}.value`, JSON.stringify(value), "Must be a string.");
  }
  const text = value ?? "";
  if (Buffer.byteLength(text) > VALUE_BYTES) {
    throw tooLarge(`${field}.value`, VALUE_BYTES, Buffer.byteLength(text), "character(s)");
  }
  return { key, value: text };
}
