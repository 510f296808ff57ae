/**
 * The package's programs as JavaScript, one file each: the tool, the library, the policy pack, and the agent. Each lies where the
 * repository has its entry, so that what it reads is at the same path from it. npm packages are not a part of them.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { build } from "esbuild";
import { bundleAgent } from "../bundle-agent";
import { keepSourcePaths } from "../source-paths";
import { banner } from "./node-version";

const root = resolve(__dirname, "../..");
const SOURCES = ["fleet.ts", "infra/index.ts", "policy/index.ts"];
const AGENT = "agent/main.js";

/** Writes the programs into `staged`; paths there, from it. */
export async function writePrograms(staged: string): Promise<string[]> {
  const written = await Promise.all(SOURCES.map((source) => write(source, staged)));
  writeAgent(staged);
  return written;
}

async function write(source: string, staged: string): Promise<string> {
  const program = source.replace(/\.ts$/, ".js");
  const home = dirname(join(root, source));
  await build({
    absWorkingDir: root,
    entryPoints: [source],
    outfile: join(staged, program),
    bundle: true,
    packages: "external",
    platform: "node",
    format: "cjs",
    target: "node20",
    charset: "utf8",
    logLevel: "warning",
    banner: { js: banner },
    plugins: [
      keepSourcePaths(
        (directory) => `require("node:path").join(__dirname, ${JSON.stringify(relative(home, directory))})`,
      ),
    ],
  });
  return program;
}

/** The agent with what it takes from rules/ and contract.json, and for Nix where to find it. */
function writeAgent(staged: string): void {
  mkdirSync(join(staged, dirname(AGENT)), { recursive: true });
  bundleAgent(join(staged, AGENT));
  const settings = JSON.parse(readFileSync(join(root, "agent/bundle.json"), "utf8")) as object;
  writeFileSync(join(staged, "agent/bundle.json"), `${JSON.stringify({ ...settings, entry: AGENT }, null, 2)}\n`);
}
