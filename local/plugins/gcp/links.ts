/** Compute's references to resources: full URLs, partial ones, and bare names. */
import type { Value } from "../core/value";

/** Where a resource lives. */
export interface Scope {
  project: string;
  region?: string;
  zone?: string;
}

/** A reference in any form, without host and version: `projects/…`. Other texts are unchanged. */
export function relative(link: string): string {
  return link.replace(/^https?:\/\/[^/]+\/(compute\/[^/]+\/)?(?=projects\/)/, "");
}

/** Whether two references name the same resource, regardless of host and API version. */
export function sameLink(a: Value, b: Value): boolean {
  return typeof a === "string" && typeof b === "string" && a.includes("projects/") && relative(a) === relative(b);
}

/** The last part of a reference; empty if there is none. */
export function leaf(link: Value | undefined): string {
  return typeof link === "string" ? link.replace(/^.*\//, "") : "";
}

/** A reference of one collection (`global/networks`, `regions/{region}/subnetworks`), made relative; empty if there is none. */
export function linked(collection: string, value: Value | undefined, scope: Scope): string {
  if (typeof value !== "string" || value === "") return "";
  const plain = relative(value);
  if (plain.startsWith("projects/")) return plain;
  if (/^(global|regions|zones)\//.test(plain)) return `projects/${scope.project}/${plain}`;
  return `projects/${scope.project}/${inScope(collection, scope)}/${plain}`;
}

/** The same for a table of fields. */
export function linkTo(collection: string): (value: Value, scope: Scope) => Value {
  return (value, scope) => linked(collection, value, scope);
}

/** A collection with its region or zone filled in. */
export function inScope(collection: string, { region, zone }: Scope): string {
  const ofZone = zone?.replace(/-[a-z]$/, "");
  return collection.replace("{zone}", zone ?? "").replace("{region}", region ?? ofZone ?? "");
}
