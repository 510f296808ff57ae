/** SHA-256, in the forms that this program uses in names. */
import { createHash } from "node:crypto";

/** 64 hex digits. */
export const digest = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");

/** 8 hex digits: enough to distinguish names that would otherwise be the same. */
export const shortDigest = (text: string): string => digest(text).slice(0, 8);
