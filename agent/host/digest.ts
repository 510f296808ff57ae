/**
 * SHA-256, as hex digits. By what Node has as a global, which loads its cryptography when it is used: loading it takes a tenth of Node's
 * own start, and a check that finds nothing new has no use for it.
 */
export async function sha256(data: string | Uint8Array): Promise<string> {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  return Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
}
