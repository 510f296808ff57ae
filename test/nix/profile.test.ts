import { describe, expect, it } from "vitest";
import { evaluate, hasNix, nixpkgsLib } from "../../nix/tests/image";

const cases = "nix/tests/profile.nix";

describe.skipIf(!hasNix)("nix/modules/dev-vm.nix", () => {
  it("makes a developer's VM, and refuses what is none", async () => {
    const result = await evaluate(cases, { lib: "null" });
    expect(result).toMatchObject({ with: expect.stringContaining("stub lib") as string, failures: [] });
  });

  it.skipIf(nixpkgsLib === undefined)(
    "comes out the same, case by case, with nixpkgs' own lib, whose priorities it gets past",
    async () => {
      const stub = (await evaluate(cases, { lib: "null" })) as object;
      const real = await evaluate(cases, { lib: `import ${nixpkgsLib}/lib` });
      expect(real).toEqual({ ...stub, with: "nixpkgs' lib" });
    },
  );
});
