/** Which inputs of a flake homes need, and where Nix put them. */
import { expect, it } from "vitest";
import { archivedPaths, needsInputs } from "../../../../rules/decision/flake-inputs";

const homes = [{ user: "alice", attribute: "alice" }];
const own = [{ user: "bob", attribute: "bob", repository: "https://git.example.com/bob" }];
const deployKeys = { "github.com/acme": "projects/p/secrets/s" };

it.each<[string, object, boolean]>([
  ["with a key for inputs", { homes, deployKeys }, true],
  ["with the config repository's own key, which counts for its host", { homes, deployKeySecret: "s" }, true],
  ["without a key", { homes }, false],
  ["with an empty list of keys", { homes, deployKeys: {} }, false],
  ["with homes that have their own repositories", { homes: own, deployKeys }, false],
  ["with homes of both kinds", { homes: [...own, ...homes], deployKeys }, true],
  ["without homes", { homes: [], deployKeys }, false],
])("homes need root's inputs: %s", (_, settings, expected) => {
  expect(needsInputs({ ...settings })).toBe(expected);
});

it("all paths are found, each once", () => {
  const [flake, nixpkgs, lib] = ["/nix/store/1-source", "/nix/store/2-source", "/nix/store/3-source"];
  const inputs = { nixpkgs: { path: nixpkgs, inputs: {} }, lib: { path: lib, inputs: { nixpkgs: { path: nixpkgs } } } };
  expect(archivedPaths(JSON.stringify({ path: flake, inputs }))).toEqual([flake, nixpkgs, lib]);
  expect(archivedPaths("")).toEqual([]);
  expect(archivedPaths('{"path":"/etc/passwd","inputs":[]}')).toEqual([]);
});
