import { createHash } from "node:crypto";

/** Reading JSON that someone else wrote. */

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The items of a list that are objects; none where it is no list. */
export function recordsIn(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** A value as an error message shows it. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * A fingerprint as Compute writes it, of any JSON value; equal values have equal fingerprints. 8 bytes in the base64 that is safe in
 * URLs, padded: gcloud decodes what it reads and writes that form, whatever it was given.
 */
export function fingerprintOf(value: unknown): string {
  const bytes = createHash("sha256").update(JSON.stringify(value)).digest().subarray(0, 8);
  return `${bytes.toString("base64url")}=`;
}
