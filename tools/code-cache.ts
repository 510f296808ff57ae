/**
 * Bundles with V8's cache of their code: a start need not parse megabytes of libraries, of which it runs a small part. V8 refuses a cache
 * of another version of itself, and compiles as without one.
 */
import { isAscii } from "node:buffer";
import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createRequire, wrap } from "node:module";
import { dirname } from "node:path";
import { Script } from "node:vm";

type Evaluate = (exports: object, require: NodeJS.Require, module: object, file: string, folder: string) => void;

interface Compiled {
  /** Whether the code came from the cache. */
  cached: boolean;
  /** Evaluates the bundle; answers what it exports, which is new each time. `require.main` is its module. */
  run: () => unknown;
  /** Writes the cache, with all functions that have run until now. */
  save: () => void;
}

/** Where a bundle's cache lies. */
export const cacheOf = (bundle: string): string => `${bundle}.cache`;

/** The cache, if it is of the bundle that was built then: V8 compares no more than the lengths of the texts. */
function readCache(bundle: string, built: Date): Buffer | undefined {
  try {
    return statSync(cacheOf(bundle)).mtime.getTime() === built.getTime() ? readFileSync(cacheOf(bundle)) : undefined;
  } catch {
    return undefined;
  }
}

/** @param bundle its absolute path */
export function compile(bundle: string): Compiled {
  const file = openSync(bundle, "r");
  const built = fstatSync(file).mtime;
  const bytes = readFileSync(file);
  closeSync(file);
  // Nearly always; V8 keeps other text in twice the memory, and takes longer to decode it.
  const text = bytes.toString(isAscii(bytes) ? "latin1" : "utf8");
  const cachedData = readCache(bundle, built);
  const script = new Script(wrap(text), { filename: bundle, ...(cachedData && { cachedData }) });
  return {
    cached: script.cachedDataRejected === false,
    run: () => {
      const module = { exports: {}, filename: bundle };
      const require = Object.assign(createRequire(bundle), { main: module });
      (script.runInThisContext() as Evaluate)(module.exports, require, module, bundle, dirname(bundle));
      return module.exports;
    },
    save: () => {
      // A program that starts meanwhile finds a whole cache, or none.
      const scratch = `${cacheOf(bundle)}.${process.pid}`;
      writeFileSync(scratch, script.createCachedData());
      utimesSync(scratch, built, built);
      renameSync(scratch, cacheOf(bundle));
    },
  };
}
