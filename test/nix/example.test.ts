/** The configuration repository that a company starts from. */
import { describe, expect, it } from "vitest";
import { evaluate, hasNix, homeManager, nixpkgsLib } from "../../nix/tests/image";

const cases = "nix/tests/example.nix";
const lib = `import ${nixpkgsLib}/lib`;

describe.skipIf(!hasNix || nixpkgsLib === undefined)("examples/config-repo", () => {
  it("has machines and homes that come through nixpkgs' own module system", async () => {
    expect(await evaluate(cases, { lib })).toEqual([]);
  });

  it.skipIf(homeManager === undefined)("has homes that come out among Home Manager's own modules", async () => {
    expect(await evaluate(cases, { lib, homeManager: homeManager ?? "null" })).toEqual([]);
  });
});
