/**
 * SHA-256, as hex digits. It uses Node's global, which loads its cryptography on first use: loading it takes a tenth of Node's own
 * start-up time, and a check that finds nothing new does not need it.
 */
export async function sha256(data: string | Uint8Array): Promise<string> {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  return Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
}
