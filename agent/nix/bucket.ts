/**
 * Fetching from a private Cloud Storage bucket. Nix cannot sign in there, so the agent fetches with the VM's own token. Nix then reads the
 * files from a folder, and checks their signatures as it does with any substituter.
 */
import { mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { contract } from "../../rules/contract";
import { exists, remove, writeFileAtomic } from "../host/files";
import { httpRequest } from "../host/http";
import type { MetadataServer } from "../metadata-server";
import { vmToken } from "../credentials/secrets";

const TIMEOUT = 3_600_000;
const cloudStorage = () => process.env["NIXOS_AUTO_UPDATE_STORAGE"] ?? contract.cache.storage;

export const isBucket = (url: string): boolean => url.startsWith(`${cloudStorage()}/`);

/** The token is sent to Cloud Storage only. @throws HttpError | SecretError */
export async function getFromBucket(metadata: MetadataServer, url: string, file: string): Promise<void> {
  const token = await vmToken(metadata);
  mkdirSync(dirname(file), { recursive: true });
  try {
    await httpRequest(url, { token, output: `${file}.new`, timeout: TIMEOUT });
    renameSync(`${file}.new`, file);
  } catch (error) {
    remove(`${file}.new`);
    throw error;
  }
}

/** Fetches those parts of a path's closure that are neither here nor there yet. Other substituters may have what the bucket lacks. */
export async function fetchClosure(
  metadata: MetadataServer,
  path: string,
  bucket: string,
  folder: string,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileAtomic(join(folder, "nix-cache-info"), "StoreDir: /nix/store");
  const asked = new Set<string>();
  for (let wanted = [path]; wanted.length > 0;) {
    const next: string[] = [];
    for (const each of wanted) {
      const name = `${each.slice("/nix/store/".length).slice(0, 32)}.narinfo`;
      if (asked.has(name) || exists(each) || exists(join(folder, name))) continue;
      asked.add(name);
      next.push(...(await fetchOne(metadata, bucket, folder, name)));
    }
    wanted = next;
  }
}

/** @returns the paths that the path refers to */
async function fetchOne(metadata: MetadataServer, bucket: string, folder: string, name: string): Promise<string[]> {
  try {
    await getFromBucket(metadata, `${bucket}/${name}`, join(folder, name));
    const text = readFileSync(join(folder, name), "utf8");
    const nar = /^URL: (nar\/[0-9a-z]+\.nar(?:\.[0-9a-z]+)?)$/m.exec(text)?.[1];
    if (nar === undefined) return [];
    await getFromBucket(metadata, `${bucket}/${nar}`, join(folder, nar));
    const references = /^References: (.*)$/m.exec(text)?.[1] ?? "";
    return references.split(" ").flatMap((reference) => (reference === "" ? [] : [`/nix/store/${reference}`]));
  } catch {
    return [];
  }
}
