/** SHA-256, as this program names things by it. */
import { createHash } from "node:crypto";

/** 64 hex digits. */
export const digest = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");

/** 8 hex digits: enough to tell names apart that would otherwise be the same. */
export const shortDigest = (text: string): string => digest(text).slice(0, 8);
