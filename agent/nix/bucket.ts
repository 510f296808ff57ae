/**
 * Fetching from a private Cloud Storage bucket. Nix cannot sign in there, so the agent fetches with the VM's own token. Nix then reads the
 * files from a folder, and checks their signatures as it does with any substituter.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { contract } from "../../rules/contract";
import { download } from "../host/download";
import { exists, readText, remove, writeFileAtomic } from "../host/files";
import type { MetadataServer } from "../metadata-server";
import { vmToken } from "../credentials/secrets";

const cloudStorage = () => process.env["NIXOS_AUTO_UPDATE_STORAGE"] ?? contract.cache.storage;

export const isBucket = (url: string): boolean => url.startsWith(`${cloudStorage()}/`);

/** How files come from a bucket. The token is sent to Cloud Storage only. */
export const bucketAccess = (metadata: MetadataServer) => ({ token: () => vmToken(metadata) });

/**
 * Fetches those parts of a path's closure that are neither here nor in the folder. Other substituters may have what the bucket says that it
 * does not have.
 * @throws ServerAway
 */
export async function fetchClosure(
  metadata: MetadataServer,
  path: string,
  bucket: string,
  folder: string,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileAtomic(join(folder, "nix-cache-info"), "StoreDir: /nix/store");
  const fetch = async (names: string[]) => {
    const missing = names.filter((name) => !exists(join(folder, name)));
    const files = missing.map((name) => ({ url: `${bucket}/${name}`, file: join(folder, name) }));
    const absent = await download(files, bucketAccess(metadata));
    return missing.filter((name) => absent.has(join(folder, name)));
  };
  /** By archive; two paths with the same content share one. */
  const infosOf = new Map<string, string[]>();
  const asked = new Set<string>();
  for (let wanted = [path]; wanted.length > 0;) {
    const names = wanted.filter((each) => !exists(each)).map(narinfoOf);
    const infos = [...new Set(names)].filter((name) => !asked.has(name));
    for (const name of infos) asked.add(name);
    await fetch(infos);
    wanted = [];
    for (const name of infos) {
      const { archive, references } = parseNarinfo(readText(join(folder, name)) ?? "");
      if (archive === undefined) remove(join(folder, name));
      else {
        infosOf.set(archive, [...(infosOf.get(archive) ?? []), name]);
        wanted.push(...references);
      }
    }
  }
  // Without its archive, a path must come from another substituter.
  for (const archive of await fetch([...infosOf.keys()]))
    for (const name of infosOf.get(archive) ?? []) remove(join(folder, name));
}

const narinfoOf = (path: string) => `${path.slice("/nix/store/".length).slice(0, 32)}.narinfo`;

/** What a file about a path names: its archive, and the paths that it refers to. Nix has not checked its signature yet. */
function parseNarinfo(text: string): { archive: string | undefined; references: string[] } {
  const references = /^References: (.*)$/m.exec(text)?.[1] ?? "";
  return {
    archive: /^URL: (nar\/[0-9a-z]+\.nar(?:\.[0-9a-z]+)?)$/m.exec(text)?.[1],
    references: references.split(" ").flatMap((one) => (/^[0-9a-z]{32}-/.test(one) ? [`/nix/store/${one}`] : [])),
  };
}
