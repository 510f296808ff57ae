import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import pMap from "p-map";
import type { Storage } from "./google/storage";

/** Uploads under way at once. */
const parallel = 16;

/** A manifest's text: `{ host: store path }`, the same bytes for the same systems. Pure. */
export function manifestText(toplevels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(toplevels).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`;
}

/** The name of the file in a binary cache that describes a store path. Pure. */
export function narinfoName(path: string): string {
  return `${basename(path).slice(0, 32)}.narinfo`;
}

/** What is in a store path, as a narinfo names it: a file of the same cache. Pure. */
function narOf(narinfo: string): string | undefined {
  return /^URL: (\S+)$/m.exec(narinfo)?.[1];
}

/**
 * Uploads the files of a closure that a bucket does not have yet, from the directory of a binary cache. A narinfo is uploaded after what
 * it names, so that the bucket is a complete cache at any time. Returns how many files were new.
 * @param progress called with how many of the paths are done, of how many
 */
export async function uploadClosure(
  storage: Storage,
  bucket: string,
  directory: string,
  closure: readonly string[],
  progress: (done: number, all: number) => void = () => undefined,
): Promise<number> {
  const there = await storage.list(bucket);
  let done = 0;
  let uploaded = 0;
  const put = async (name: string, type: string) => {
    if (there.has(name)) return;
    const file = join(directory, name);
    if (type === "text/x-nix-narinfo") await storage.write(bucket, name, await readFile(file), type);
    else await storage.upload(bucket, name, file);
    uploaded += 1;
  };
  await put("nix-cache-info", "text/x-nix-narinfo");
  const putPath = async (path: string) => {
    const narinfo = narinfoName(path);
    const nar = narOf(await readFile(join(directory, narinfo), "utf8"));
    if (!there.has(narinfo) && nar !== undefined) await put(nar, "application/octet-stream");
    await put(narinfo, "text/x-nix-narinfo");
    progress(++done, closure.length);
  };
  await pMap(closure, putPath, { concurrency: parallel });
  return uploaded;
}
