/** For bundles of this project's sources: what they say about files beside them holds in a bundle as well. */
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Plugin } from "esbuild";

/**
 * In a bundle `__dirname` would be the bundle's own folder; the sources mean theirs. And what a source requires by a name that it computes
 * is found by the name of its file.
 * @param folder a source's folder → the expression that says where that is when the bundle runs
 */
export function keepSourcePaths(folder: (directory: string) => string): Plugin {
  return {
    name: "source-paths",
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (path.includes("/node_modules/")) return undefined;
        const text = await readFile(path, "utf8");
        const placed = text.replaceAll(/\b__dirname\b/g, folder(dirname(path)));
        return { loader: "ts", contents: placed.replaceAll(/\brequire\((`\.[^`]*\})`\)/g, "require($1.ts`)") };
      });
    },
  };
}
