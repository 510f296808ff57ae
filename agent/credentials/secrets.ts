/** Secret Manager, asked as the VM's own service account. Neither token nor secret is ever on a command line. */
import { chownSync, readFileSync } from "node:fs";
import { kindOf, type CredentialKind } from "../../rules/deploy-keys";
import { readText, remove, writeFileAtomic } from "../host/files";
import { HttpError, httpRequest } from "../host/http";
import { oneLine } from "../host/log";
import type { MetadataServer } from "../metadata-server";

const secretManager = () => process.env["NIXOS_AUTO_UPDATE_SECRET_MANAGER"] ?? "https://secretmanager.googleapis.com";
const TIMEOUT = 30_000;

/** Why a secret is not available, in one line. */
class SecretError extends Error {}

/** The access token of this VM's service account. @throws SecretError */
export async function vmToken(metadata: MetadataServer): Promise<string> {
  try {
    const text = await metadata.get("instance/service-accounts/default/token");
    const token = (JSON.parse(text ?? "null") as { access_token?: unknown } | null)?.access_token;
    if (typeof token === "string" && token !== "") return token;
  } catch {
    // The error is thrown below.
  }
  throw new SecretError("the metadata server returned no token");
}

/** The latest version of a secret, as text that ends with one newline. @throws SecretError */
async function readSecret(metadata: MetadataServer, secret: string): Promise<string> {
  const token = await vmToken(metadata);
  const version = secret.includes("/versions/") ? secret : `${secret}/versions/latest`;
  let answer: unknown;
  try {
    const url = `${secretManager()}/v1/${version}:access`;
    answer = JSON.parse(await httpRequest(url, { token, timeout: TIMEOUT, maxBytes: 1_000_000, fail: false }));
  } catch (error) {
    throw new SecretError(error instanceof HttpError ? error.message : "no answer that can be read");
  }
  const { payload, error } = (answer ?? {}) as { payload?: { data?: unknown }; error?: { message?: unknown } };
  if (typeof payload?.data !== "string")
    throw new SecretError(typeof error?.message === "string" ? error.message : "no answer that can be read");
  // ssh requires the last newline and no carriage returns. A person who stores a key does not see either.
  return `${Buffer.from(payload.data, "base64").toString("utf8").replaceAll("\r", "").trimEnd()}\n`;
}

interface SecretRequest {
  secret: string;
  /** The place that the secret is for: a repository's URL, or another place. */
  place: string;
  /** What kind of credential the place needs; `undefined` if the URL would carry it in clear text, `any` if the secret decides. */
  kind: CredentialKind | "any" | undefined;
  file: string;
  /** User id and group id of the only user who may read the file; this process's if absent. */
  owner?: { uid: number; gid: number };
}

/**
 * Writes a secret into a file that only its owner can read.
 * @returns whether the file's content changed
 * @throws SecretError
 */
export async function fetchSecret(metadata: MetadataServer, request: SecretRequest): Promise<boolean> {
  const { secret, place, kind, file, owner } = request;
  if (kind === undefined)
    throw new SecretError(`${secret} is not used: ${place} would carry it in clear, https or ssh would not`);
  const text = await readSecret(metadata, secret).catch((error: unknown) => {
    throw new SecretError(
      `cannot read the secret ${secret}: ${oneLine(error instanceof Error ? error.message : String(error))}`,
    );
  });
  const holds = kindOf(text);
  if (holds === undefined || (kind !== "any" && holds !== kind))
    throw new SecretError(
      `${secret} holds no ${kind === "any" ? "token or SSH private key" : kind}, which ${place} asks for`,
    );
  if (currentText(file) === text) return false;
  writeFileAtomic(file, text, 0o400, owner === undefined ? undefined : (path) => chownSync(path, owner.uid, owner.gid));
  return true;
}

/**
 * The same for a file that is kept. What an earlier secret, or this one for another place, left in it is deleted first: no server may be
 * shown what is for another.
 */
export async function fetchOwnSecret(metadata: MetadataServer, request: SecretRequest): Promise<boolean> {
  const { secret, place, file } = request;
  if (!isHeld(request)) remove(file);
  const changed = await fetchSecret(metadata, request);
  writeFileAtomic(purposeOf(file), `${secret} ${place}`, 0o600);
  return changed;
}

/** Whether a file that is kept holds this secret, for this place. */
export function isHeld({ secret, place, file }: Pick<SecretRequest, "secret" | "place" | "file">): boolean {
  return readText(file) !== undefined && readText(purposeOf(file)) === `${secret} ${place}`;
}

/** Where it is written what a file's secret is for. */
const purposeOf = (file: string) => `${file}.for`;

function currentText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
