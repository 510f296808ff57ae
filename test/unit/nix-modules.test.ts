import { describe, expect, it } from "vitest";
import { evaluate, hasNix } from "../../nix/tests/image";

describe.skipIf(!hasNix)("nix/modules", () => {
  it("evaluate with every option set, unset and wrong", async () => {
    const result = await evaluate("nix/tests/modules.nix", { lib: "null" });
    expect(result).toMatchObject({ with: expect.stringContaining("stub lib") as string, failures: [] });
  });
});
