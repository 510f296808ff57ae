/**
 * `npm run build`: bundles the project's programs into `dist/`, one file each, which start in a third of the time that loading the sources
 * takes. `tools/run-program` takes a bundle while it is newer than all sources, so that no one has to build.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { build as bundle, type Plugin } from "esbuild";
import { keepSourcePaths } from "./source-paths";

const project = resolve(__dirname, "..");
const out = join(project, "dist");

/** Programs whose start is waited for: the operator's tool, the stand-in plugins, the local cloud, and what tests keep for many commands. */
const programs = [
  "fleet.ts",
  "local/cli/main.ts",
  "local/daemon.ts",
  "local/machines/netns.ts",
  "local/plugins/command/main.ts",
  "local/plugins/gcp/main.ts",
  "test/setup/program-server-process.ts",
];

/**
 * The Pulumi program, for tests that run it many times: a project of its own in `dist/program`, whose language host need not load
 * TypeScript's compiler.
 */
const pulumiProgram = { from: "index.ts", to: "program/index" };

function writePulumiProject(): void {
  const text = readFileSync(join(project, "Pulumi.yaml"), "utf8");
  const compiled = text
    .replace(/^main: .*$/m, "main: index.js")
    .replace(/^runtime: .*$/m, "runtime: { name: nodejs, options: { typescript: false } }");
  writeFileSync(join(out, "program/Pulumi.yaml"), compiled);
}

/** Bundles stay on this machine, so that a source's folder is known. */
const withSourcePaths = keepSourcePaths((directory) => JSON.stringify(directory));

/** Large, and loaded by few commands; the SDK's protocol, which every plugin loads, is a part of the bundles. */
const large: Plugin = {
  name: "large",
  setup(build) {
    build.onResolve({ filter: /^(@pulumi\/pulumi|@pulumi\/gcp\/.*|typescript)$/ }, ({ path }) => ({
      path,
      external: true,
    }));
  },
};

const options = {
  absWorkingDir: project,
  outdir: out,
  bundle: true,
  write: false,
  platform: "node",
  target: "node20",
  logLevel: "warning",
} as const;

async function main(): Promise<void> {
  const started = new Date();
  const built = await Promise.all([
    bundle({ ...options, entryPoints: programs, outbase: ".", plugins: [withSourcePaths, large] }),
    // The SDK that runs the program is the one that the program asks.
    bundle({
      ...options,
      entryPoints: [{ in: pulumiProgram.from, out: pulumiProgram.to }],
      external: ["@pulumi/*"],
      plugins: [withSourcePaths],
    }),
  ]);
  for (const { path, contents } of built.flatMap(({ outputFiles }) => outputFiles)) {
    // A program that starts meanwhile finds a whole bundle, old or new.
    const scratch = `${path}.${process.pid}`;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(scratch, contents);
    // What was edited while this ran is newer than the bundle.
    utimesSync(scratch, started, started);
    renameSync(scratch, path);
  }
  writePulumiProject();
}

main().catch((error: unknown) => {
  rmSync(out, { recursive: true, force: true });
  console.error(`bundle: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
