/** The agent as one file, by the same settings as the Nix build: `agent/bundle.json`. */
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import settings from "../agent/bundle.json";

const project = resolve(__dirname, "..");
const esbuild = join(project, "node_modules/.bin/esbuild");

function build(flags: readonly string[]): string {
  const args = [settings.entry, ...settings.flags, ...flags];
  return execFileSync(esbuild, args, { cwd: project, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
}

/** Writes the bundle. */
export function bundleAgent(file: string): void {
  build([`--outfile=${file}`]);
}

/** The bundle as a text that is as short as it can be. */
export function bundleText(): string {
  return build(["--minify"]);
}

/** The shell script beside it, which waits for a change without Node. */
export const watcherScript = join(project, "agent/watch.sh");
