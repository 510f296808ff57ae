/** Bundles that start with V8's cache of their code. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, it } from "vitest";
import { cacheOf, compile } from "../../../tools/code-cache";

const folder = mkdtempSync(join(tmpdir(), "code-cache-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A bundle as if it had been built at a time. */
function bundle(name: string, text: string, seconds = 1_700_000_000.123): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  utimesSync(path, seconds, seconds);
  return path;
}

const answer = (number: number) => `function answer() { return ${number}; } exports.answer = answer();`;

function withCache(name: string, text: string): string {
  const path = bundle(name, text);
  const { cached, run, save } = compile(path);
  expect(cached).toBe(false);
  run();
  save();
  return path;
}

it("takes the code from the cache, and evaluates the bundle each time", () => {
  const { cached, run } = compile(withCache("cached.js", answer(1)));
  expect(cached).toBe(true);
  expect([run(), run()]).toEqual([{ answer: 1 }, { answer: 1 }]);
});

it("does not take the cache of a text of the same length that was built at another time", () => {
  const path = withCache("edited.js", answer(1));
  bundle("edited.js", answer(2), 1_700_000_001);
  const { cached, run } = compile(path);
  expect([cached, run()]).toEqual([false, { answer: 2 }]);
});

it("runs without a cache that V8 refuses, as that of another version", () => {
  const path = bundle("refused.js", answer(3));
  bundle("refused.js.cache", "not of this version");
  const { cached, run } = compile(path);
  expect([cached, run()]).toEqual([false, { answer: 3 }]);
});

it("starts a bundle as Node would", () => {
  const said = `console.log(JSON.stringify([process.argv.slice(1), __filename, __dirname, require.main === module,
  require("./beside.json")]))`;
  bundle("beside.json", "{}");
  const path = bundle("program.js", said);
  const start = ["--require", "tsx/cjs", resolve(__dirname, "../../../tools/start-bundle.ts"), path, "a", "-b"];
  const run = (env: NodeJS.ProcessEnv = {}) =>
    JSON.parse(execFileSync("node", start, { env: { ...process.env, ...env }, encoding: "utf8" })) as unknown;
  const expected = [[path, "a", "-b"], path, folder, true, {}];
  expect(run()).toEqual(expected);
  expect(existsSync(cacheOf(path))).toBe(false);
  expect(run({ NIXOS_FLEET_SAVE_CODE: "1" })).toEqual(expected);
  expect(compile(path).cached).toBe(true);
  expect(run()).toEqual(expected);
});
