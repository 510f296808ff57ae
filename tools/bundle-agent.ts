/** The agent as one file, by the same settings as the Nix build: `agent/bundle.json`. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const project = resolve(__dirname, "..");
const esbuild = join(project, "node_modules/.bin/esbuild");

/** Writes the bundle; `sources` is a clone, or the npm package. */
export function bundleAgent(file: string, sources = project): void {
  const settings = JSON.parse(readFileSync(join(sources, "agent/bundle.json"), "utf8")) as {
    entry: string;
    flags: string[];
  };
  const args = [settings.entry, ...settings.flags, `--outfile=${file}`];
  execFileSync(esbuild, args, { cwd: sources });
}

/** The shell script beside it, which waits for a change without Node. */
export const watcherScript = join(project, "agent/watch.sh");
