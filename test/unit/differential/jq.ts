/**
 * The jq versions that VMs run the agents' programs by: this machine's, and 1.7 and 1.8 compiled to WebAssembly, out of npm. All of them
 * read the programs as files and link their `include`s themselves.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface Jq {
  /** Such as `1.7.1`. */
  version: string;
  /**
   * Runs a program with the modules of a folder once for each input.
   * @throws where jq ends with an error, crashes, or does not answer each input with one value
   */
  run(folder: string, program: string, inputs: readonly unknown[]): Promise<unknown[]>;
}

/** This machine's jq. */
export function nativeJq(): Jq {
  const version = spawnSync("jq", ["--version"], { encoding: "utf8" }).stdout.trim().replace(/^jq-/, "");
  return {
    version,
    run(folder, program, inputs) {
      const input = inputs.map((one) => JSON.stringify(one)).join("\n");
      const { stdout, stderr, status } = spawnSync("jq", ["-c", "-L", folder, program], {
        input,
        encoding: "utf8",
        maxBuffer: 512 * 1024 * 1024,
      });
      if (status !== 0) return Promise.reject(new Error(`jq ${version}: ${stderr.slice(0, 1000)}`));
      return Promise.resolve(valuesOf(stdout, inputs.length, version));
    },
  };
}

/** A jq that is not installed here, and what would install it. */
interface MissingJq {
  missing: string;
}

/** The jq of an npm package of `jq-wasm`'s, under the name that package.json gives it. */
export async function wasmJq(name: "jq-1.7" | "jq-1.8"): Promise<Jq | MissingJq> {
  let main: string;
  try {
    main = require.resolve(name);
  } catch {
    return { missing: `${name} is not installed; npm ci installs it` };
  }
  const { version } = await start(main);
  return {
    version,
    async run(folder, program, inputs) {
      // What jq leaves behind of an earlier run is not to matter, nor that it crashed.
      const { files, instance } = await start(main);
      files.mkdir("/agent");
      for (const file of readdirSync(folder).filter((one) => one.endsWith(".jq")))
        files.writeFile(`/agent/${file}`, readFileSync(join(folder, file)));
      // Not through its standard input, which it reads in time that grows with the square of the length.
      files.writeFile("/input.json", inputs.map((one) => JSON.stringify(one)).join("\n"));
      files.writeFile("/program.jq", program);
      const flags = ["-c", "-L", "/agent", "--from-file", "/program.jq"];
      const { stdout, stderr, exitCode } = await instance.raw("", "/input.json", flags);
      if (exitCode !== 0) throw new Error(`jq ${version}: ${stderr.slice(0, 1000)}`);
      return valuesOf(stdout, inputs.length, version);
    },
  };
}

interface Instance {
  raw(input: string, query: string, flags: string[]): Promise<{ stdout: string; stderr: string; exitCode: number }>;
  version(): Promise<string>;
}

interface Files {
  mkdir(path: string): void;
  writeFile(path: string, content: string | Uint8Array): void;
}

/** A new jq, with its file system, which the package keeps to itself. */
async function start(main: string): Promise<{ instance: Instance; files: Files; version: string }> {
  const file = main.endsWith("index.js") ? join(dirname(main), "build/jq.js") : main;
  const ready = "runtimeInitResolve();";
  const text = readFileSync(file, "utf8").replace(ready, `module.files = FS; ${ready}`);
  const module = {
    exports: {} as { default?: () => Promise<Instance> } & Partial<Instance>,
    files: undefined as unknown,
  };
  // oxlint-disable-next-line typescript/no-implied-eval -- the package's own code, as its loader runs it
  const load = new Function("require", "module", "exports", "__filename", "__dirname", text) as (
    ...context: unknown[]
  ) => void;
  load(createRequire(file), module, module.exports, file, dirname(file));
  const instance = "raw" in module.exports ? (module.exports as Instance) : await module.exports.default?.();
  if (instance === undefined) throw new Error(`${file} exports no jq`);
  const version = (await instance.version()).replace(/^jq-/, "").replace(/-dirty$/, "");
  return { instance, files: module.files as Files, version };
}

function valuesOf(output: string, count: number, version: string): unknown[] {
  const values = output
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
  if (values.length !== count) throw new Error(`jq ${version}: ${values.length} answers to ${count} inputs`);
  return values;
}

/** A program's `include`s, and what it does. */
function partsOf(program: string): { includes: string; body: string } {
  const include = /include "[^"]+";/g;
  const text = program.replace(/^#.*$/gm, "");
  return { includes: (text.match(include) ?? []).join("\n"), body: text.replace(include, "") };
}

/**
 * A program that runs one of the agents' programs for each input `{ named, input }` as the agents run it once: with named arguments,
 * and with `input` for its standard input. Answers `{ answer }`, or `{ error }` where it fails.
 */
export function eachTime(folder: string, file: string): string {
  const { includes, body } = partsOf(readFileSync(join(folder, file), "utf8"));
  return `${includes}
    def entry($named): ${body.replaceAll("$ARGS.named", "$named")};
    .named as $named | .input | (try { answer: entry($named) } catch { error: tostring })`;
}

/** What such a program answered, read as bash takes it up; what it failed with, where it did. */
export function answerOf<T extends object>(
  given: unknown,
  read: (answer: Record<string, string>) => T,
): T | { failed: string } {
  const { answer, error } = given as { answer?: string; error?: string };
  return answer === undefined ? { failed: error ?? "no answer" } : read(associative(answer));
}

/** What bash takes up of an answer: the inside of an associative array. */
function associative(text: string): Record<string, string> {
  const entries = [...text.matchAll(/\['?([^\]']+)'?\]=('(?:[^']|'\\'')*')/g)].map(([, key = "", quoted = ""]) => [
    key,
    quoted.slice(1, -1).replaceAll("'\\''", "'"),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}
