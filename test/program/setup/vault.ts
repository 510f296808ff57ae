/**
 * Where the engine of the tests keeps the key of a stack's secrets: Vault's transit API on loopback. A passphrase costs the engine two
 * seconds of CPU time in each command, as it derives the key a million times over.
 */
import { createServer, type Server } from "node:http";

/** A stack's `secretsprovider`. */
export const SECRETS_PROVIDER = "hashivault://tests";

/** Stands in every ciphertext before what it hides, which is readable: nothing in a test is secret. */
const PREFIX = "vault:v1:";

/** A stack's `encryptedkey`: 32 bytes as the stand-in would have encrypted them, in base64. */
export const ENCRYPTED_KEY = Buffer.from(`${PREFIX}${Buffer.alloc(32, "tests").toString("base64")}`).toString("base64");

/** The server, not listening yet. It answers `transit/encrypt/KEY` and `transit/decrypt/KEY`. */
export function vault(): Server {
  return createServer((request, response) => {
    let body = "";
    request.on("data", (data: Buffer) => (body += data.toString()));
    request.on("end", () => {
      const { plaintext, ciphertext } = JSON.parse(body) as { plaintext?: string; ciphertext?: string };
      const data =
        plaintext === undefined ? { plaintext: ciphertext?.slice(PREFIX.length) } : { ciphertext: PREFIX + plaintext };
      response.setHeader("Content-Type", "application/json").end(JSON.stringify({ data }));
    });
  });
}
