/** Prebuilt systems: an approval may name a manifest, { host: store path }. Substituters provide and sign these paths. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isObject, own, parseObject } from "../../rules/text/json";
import { fetchClosure, getFromBucket, isBucket } from "./bucket";
import type { Place } from "../driver";
import { sha256 as digest } from "../host/digest";
import { remove } from "../host/files";
import { httpRequest } from "../host/http";
import { log, oneLine } from "../host/log";
import { MetadataServer } from "../metadata-server";
import { substitute } from "./nix";
import { secondsFrom } from "../host/time";

const STORE_PATH = /^\/nix\/store\/[0-9a-z]{32}-[0-9A-Za-z+._?=-]+$/;
const MANIFEST_BYTES = 10_000_000;

/**
 * Realises the path that the manifest names; `undefined` if it must be built here.
 * @param ofCommit the store path that the commit itself has, where the manifest must name it
 */
export async function realisePrebuilt(
  settings: Record<string, unknown>,
  manifest: { url: string; sha256: string },
  link: string,
  place: Place,
  ofCommit?: () => Promise<string>,
): Promise<string | undefined> {
  const metadata = new MetadataServer();
  try {
    const host = typeof settings["host"] === "string" ? settings["host"] : "";
    const path = await prebuiltPath(metadata, host, manifest, join(place.runFolder, "manifest"));
    const own = await ofCommit?.();
    if (own !== undefined && own !== path)
      throw new NoPrebuilt(`the manifest names ${path}, and the signed commit has ${own}`);
    log(`→ realising ${path}`);
    const folder = join(place.stateFolder, "cache");
    const stall = String(Math.ceil(secondsFrom("NIXOS_AUTO_UPDATE_STALL", 60) / 1000));
    const limits = { "connect-timeout": stall, "stalled-download-timeout": stall, "download-attempts": "3" };
    const options = [
      ...Object.entries(limits).flatMap(([name, value]) => ["--option", name, value]),
      ...(await cacheOptions(metadata, settings["cache"], path, folder)),
    ];
    const why = await substitute(path, link, { options });
    remove(folder);
    if (why === undefined) return path;
    log(`${path} is not available prebuilt; building: ${oneLine(why.replaceAll(`'${path}'`, "it"))}`);
    return undefined;
  } catch (error) {
    if (!(error instanceof NoPrebuilt)) throw error;
    log(`${error.message}; building`);
    return undefined;
  } finally {
    metadata.close();
  }
}

/** Adds the fleet's cache to Nix's substituters. Its key is trusted for this one path's closure. */
async function cacheOptions(metadata: MetadataServer, cache: unknown, path: string, folder: string): Promise<string[]> {
  if (!isObject(cache)) return [];
  const { url, publicKey } = cache;
  if (typeof url !== "string" || typeof publicKey !== "string") return [];
  if (isBucket(url)) await fetchClosure(metadata, path, url, folder);
  const substituter = isBucket(url) ? `file://${folder}` : url;
  return ["--option", "extra-substituters", substituter, "--option", "extra-trusted-public-keys", publicKey];
}

/** @throws NoPrebuilt */
async function prebuiltPath(
  metadata: MetadataServer,
  host: string,
  { url, sha256 }: { url: string; sha256: string },
  file: string,
): Promise<string> {
  if (!/^https?:\/\//.test(url)) throw new NoPrebuilt("the manifest's URL must be http(s)");
  const bytes = await fetchManifest(metadata, url, file);
  if (bytes === undefined) throw new NoPrebuilt("the manifest cannot be fetched");
  if ((await digest(bytes)) !== sha256) throw new NoPrebuilt("the manifest is not the approved one, by its digest");
  const path = own(parseObject(bytes.toString("utf8")), host);
  if (typeof path !== "string" || !STORE_PATH.test(path))
    throw new NoPrebuilt(`the manifest names no store path for ${host}`);
  return path;
}

/** Why it is built here instead. */
class NoPrebuilt extends Error {}

async function fetchManifest(metadata: MetadataServer, url: string, file: string): Promise<Buffer | undefined> {
  try {
    mkdirSync(join(file, ".."), { recursive: true });
    if (isBucket(url)) await getFromBucket(metadata, url, file);
    else await httpRequest(url, { output: file, timeout: 60_000, maxBytes: MANIFEST_BYTES, follow: true });
    return readFileSync(file);
  } catch {
    return undefined;
  } finally {
    remove(file);
  }
}
