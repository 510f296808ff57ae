import { describe, expect, it } from "vitest";
import { evaluate, hasNix, nixpkgsLib } from "../../nix/tests/image";

const cases = "nix/tests/modules.nix";

describe.skipIf(!hasNix)("nix/modules", () => {
  it("evaluate with every option set, unset and wrong", async () => {
    const result = await evaluate(cases, { lib: "null" });
    expect(result).toMatchObject({ with: expect.stringContaining("stub lib") as string, failures: [] });
  });

  it.skipIf(nixpkgsLib === undefined)("come out the same, case by case, with nixpkgs' own lib", async () => {
    const stub = (await evaluate(cases, { lib: "null" })) as object;
    const real = await evaluate(cases, { lib: `import ${nixpkgsLib}/lib` });
    expect(real).toEqual({ ...stub, with: "nixpkgs' lib" });
  });
});
