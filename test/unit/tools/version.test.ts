/** One version everywhere: the package, what depends on it, and the agent, by whose version `fleet doctor` tells older agents apart. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const read = (file: string) =>
  JSON.parse(readFileSync(join(__dirname, "../../..", file), "utf8")) as {
    version: string;
    agent: string;
    dependencies: Record<string, string>;
  };
const { version } = read("package.json");

it("has the package's version in the agent, the lock file and the policy pack", () => {
  expect(read("contract.json").agent).toBe(version);
  expect(read("package-lock.json").version).toBe(version);
  expect(read("policy/package.json").version).toBe(version);
});

it.each(["examples/library", "templates/pulumi-project"])("%s depends on this version", (folder) => {
  expect(read(`${folder}/package.json`).dependencies["nixos-fleet"]).toBe(version);
});

it("is newer than the last release while the changelog has changes that are not released", () => {
  const changelog = readFileSync(join(__dirname, "../../../CHANGELOG.md"), "utf8");
  const [, released = ""] = /^## \[(\d+\.\d+\.\d+)\]/m.exec(changelog) ?? [];
  const unreleased = /^## \[Unreleased\]\s+###/m.test(changelog);
  expect(version.localeCompare(released, "en", { numeric: true })).toBe(unreleased ? 1 : 0);
});
