import { createHash } from "node:crypto";

/** A fingerprint as Compute writes it (8 bytes, base64), of any JSON value. Equal values have equal fingerprints. */
export function fingerprintOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest().subarray(0, 8).toString("base64");
}
