/** The package's scripts on a Node that cannot `require` ES modules. */
import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { banner, engines, launcher } from "../../../tools/package/node-version";

/** Runs a script on this Node; what it loaded, and what it said. */
function runOn(node: string, script: string) {
  const loaded: string[] = [];
  const said: string[] = [];
  const played = { versions: { node }, exitCode: 0 };
  runInNewContext(script.replace(/^#!.*\n/, ""), {
    process: played,
    require: (path: string) => loaded.push(path),
    console: { error: (line: string) => said.push(line) },
  });
  return { code: played.exitCode, loaded, said };
}

it.each(["20.19.0", "20.20.2", "22.12.0", "23.0.0", "24.3.0"])("run on %s", (node) => {
  expect(runOn(node, launcher)).toEqual({ code: 0, loaded: ["../fleet.js"], said: [] });
  expect(() => runOn(node, banner)).not.toThrow();
});

it.each(["18.20.8", "20.18.3", "21.7.3", "22.11.0"])("say on %s in one line what is needed", (node) => {
  const line = `this is Node ${node}; 20.19 or 22.12 or newer is needed`;
  expect(runOn(node, launcher)).toEqual({ code: 2, loaded: [], said: [`fleet: ${line}`] });
  expect(() => runOn(node, banner)).toThrow(`nixos-fleet: ${line}`);
});

it("is what package.json asks for", () =>
  expect((JSON.parse(readFileSync("package.json", "utf8")) as { engines: object }).engines).toEqual({ node: engines }));
