import { createHash } from "node:crypto";

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
