/**
 * `npm run build`: bundles the project's programs into `dist/`, one file each, which start in a third of the time that loading the sources
 * takes. `tools/run-program` takes a bundle while it is newer than all sources, so that no one has to build.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { build as bundle, type Plugin } from "esbuild";
import { cacheOf } from "./code-cache";
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
  "tools/start-bundle.ts",
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
  // A third of the text is indentation and comments. Lines stay, for stack traces.
  minifyWhitespace: true,
  lineLimit: 120,
  legalComments: "none",
  logLevel: "warning",
} as const;

/**
 * Starts a program, so that the cache of its code has what a start runs, until it ends or says something.
 * @param env that keeps it from reaching anything
 */
async function saveCodeOf(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const command = [join(out, "tools/start-bundle.js"), join(out, program.replace(/\.ts$/, ".js")), ...args];
  const child = spawn(process.execPath, command, {
    cwd: tmpdir(),
    env: { PATH: process.env["PATH"], ...env, NIXOS_FLEET_SAVE_CODE: "1" },
    stdio: ["ignore", "pipe", "ignore", "ipc"],
    timeout: 30_000,
  });
  child.stdout?.once("data", () => child.kill());
  child.once("message", () => child.kill());
  await once(child, "exit");
}

/** The programs that start most often, each as far as it gets without a cloud. A cache that is missing costs no more than time. */
async function saveCode(): Promise<void> {
  const cloud = createServer((_, response) => response.end("{}"));
  cloud.listen(0, "127.0.0.1");
  await once(cloud, "listening");
  const url = `http://127.0.0.1:${(cloud.address() as AddressInfo).port}`;
  const gate = {
    GOOGLE_CLOUD_PROJECT: "p",
    GOOGLE_OAUTH_ACCESS_TOKEN: "t",
    NIXOS_FLEET_COMPUTE_ENDPOINT: `${url}/compute/v1/`,
    NIXOS_FLEET_LOGGING_ENDPOINT: `${url}/logging/`,
    NIXOS_FLEET_FLEET: "f",
    NIXOS_FLEET_STACK: "s",
    NIXOS_FLEET_WAVE: "w",
    NIXOS_FLEET_REVISION: "a".repeat(40),
  };
  await Promise.all([
    saveCodeOf("fleet.ts", ["await"], gate),
    saveCodeOf("local/plugins/command/main.ts", [], {}),
    saveCodeOf("local/plugins/gcp/main.ts", [], {}),
    saveCodeOf("test/setup/program-server-process.ts", [join(out, `${pulumiProgram.to}.js`)], {}),
  ]);
  cloud.close();
  cloud.closeAllConnections();
}

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
    rmSync(cacheOf(path), { force: true });
    writeFileSync(scratch, contents);
    // What was edited while this ran is newer than the bundle.
    utimesSync(scratch, started, started);
    renameSync(scratch, path);
  }
  writePulumiProject();
  await saveCode();
}

main().catch((error: unknown) => {
  rmSync(out, { recursive: true, force: true });
  console.error(`bundle: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
