import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { packageSpec } from "../../../../cli/init/places";

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "places-"));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

it.each([
  ["file:packages/nixos-fleet-0.2.0.tgz", "file:../other/packages/nixos-fleet-0.2.0.tgz"],
  ["git+ssh://git@git.example.com/nixos-fleet.git", "git+ssh://git@git.example.com/nixos-fleet.git"],
  [undefined, "0.2.0"],
])("names the package as the project does in which the tool is installed: %s", (spec, expected) => {
  const installed = join(scratch, "other/node_modules/nixos-fleet");
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, "package.json"), '{ "name": "nixos-fleet", "version": "0.2.0" }');
  expect(packageSpec(installed, join(scratch, "my-fleet"))).toBe("0.2.0");
  writeFileSync(
    join(scratch, "other/package.json"),
    JSON.stringify({ name: "other", dependencies: { "nixos-fleet": spec } }),
  );
  expect(packageSpec(installed, join(scratch, "my-fleet"))).toBe(expected);
});
