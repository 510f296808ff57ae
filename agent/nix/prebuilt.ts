/** Prebuilt systems: an approval may name a manifest, { host: store path }. Substituters provide and sign these paths. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isAway, pauseAfter } from "../../rules/decision/download-retry";
import { isObject, own, parseObject } from "../../rules/text/json";
import { bucketAccess, fetchClosure, isBucket } from "./bucket";
import type { Place } from "../driver";
import { sha256 as digest } from "../host/digest";
import { download, ServerAway } from "../host/download";
import { remove } from "../host/files";
import { log, oneLine } from "../host/log";
import { MetadataServer } from "../metadata-server";
import { substitute } from "./nix";
import { secondsFrom, sleep } from "../host/time";

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
  const folder = join(place.stateFolder, "cache");
  try {
    const host = typeof settings["host"] === "string" ? settings["host"] : "";
    const path = await prebuiltPath(metadata, host, manifest, join(place.runFolder, "manifest"));
    const own = await ofCommit?.();
    if (own !== undefined && own !== path)
      throw new NoPrebuilt(`the manifest names ${path}, and the signed commit has ${own}`);
    log(`→ realising ${path}`);
    const options = await cacheOptions(metadata, settings["cache"], path, folder);
    const why = await substituteWithRetry(path, link, options);
    if (why === undefined) return path;
    log(`${path} is not available prebuilt; building: ${oneLine(why.replaceAll(`'${path}'`, "it"))}`);
    return undefined;
  } catch (error) {
    // A cache that is away for long must not keep an update from its VMs.
    if (error instanceof ServerAway) log(`the cache is away; building: ${error.message}`);
    else if (error instanceof NoPrebuilt) log(`${error.message}; building`);
    else throw error;
    return undefined;
  } finally {
    remove(folder);
    metadata.close();
  }
}

/** Nix tries each file so often. */
const ATTEMPTS = 3;

/** @returns why no substituter has the path. One that does not answer is asked again for about a minute. */
async function substituteWithRetry(path: string, link: string, cache: string[]): Promise<string | undefined> {
  const stall = String(Math.ceil(secondsFrom("NIXOS_AUTO_UPDATE_STALL", 60) / 1000));
  const limits = {
    "connect-timeout": stall,
    "stalled-download-timeout": stall,
    "download-attempts": String(ATTEMPTS),
  };
  const options = [...Object.entries(limits).flatMap(([name, value]) => ["--option", name, value]), ...cache];
  const pause = secondsFrom("NIXOS_AUTO_UPDATE_PAUSE", 2);
  let failed: number | undefined;
  for (let tries = 1; ; tries++) {
    const failure = await substitute(path, link, { options });
    if (failure === undefined) return undefined;
    failed ??= Date.now();
    const milliseconds = Date.now() - failed;
    if (!failure.unknown || isAway({ tries, attempts: ATTEMPTS, milliseconds, pause })) return failure.why;
    const delay = pauseAfter(tries, pause, Math.random());
    log(`realising again in about ${Math.round(delay / 1000)} s: ${oneLine(failure.why)}`);
    await sleep(delay);
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

/** @throws NoPrebuilt, ServerAway */
async function prebuiltPath(
  metadata: MetadataServer,
  host: string,
  { url, sha256 }: { url: string; sha256: string },
  file: string,
): Promise<string> {
  if (!/^https?:\/\//.test(url)) throw new NoPrebuilt("the manifest's URL must be http(s)");
  const bytes = await fetchManifest(metadata, url, file);
  if (bytes === undefined) throw new NoPrebuilt("the manifest is not there");
  if ((await digest(bytes)) !== sha256) throw new NoPrebuilt("the manifest is not the approved one, by its digest");
  const path = own(parseObject(bytes.toString("utf8")), host);
  if (typeof path !== "string" || !STORE_PATH.test(path))
    throw new NoPrebuilt(`the manifest names no store path for ${host}`);
  return path;
}

/** Why it is built here instead. */
class NoPrebuilt extends Error {}

/** `undefined` if the server says that it does not have it. @throws ServerAway */
async function fetchManifest(metadata: MetadataServer, url: string, file: string): Promise<Buffer | undefined> {
  try {
    const access = isBucket(url) ? bucketAccess(metadata) : {};
    const absent = await download([{ url, file }], { ...access, maxBytes: MANIFEST_BYTES });
    return absent.size > 0 ? undefined : readFileSync(file);
  } finally {
    remove(file);
  }
}
