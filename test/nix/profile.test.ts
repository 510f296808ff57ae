import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { evaluate, hasNix, nixpkgsLib } from "../../nix/tests/image";

const cases = "nix/tests/profile.nix";

describe.skipIf(!hasNix)("nix/modules/dev-vm.nix", () => {
  it("makes a developer's VM, and refuses what is none", async () => {
    const result = await evaluate(cases, { lib: "null" });
    expect(result).toMatchObject({ with: expect.stringContaining("stub lib") as string, failures: [] });
  });

  it("sets the options that docs/reference/modules.md lists, and no others", async () => {
    const page = readFileSync(resolve(__dirname, "../../docs/reference/modules.md"), "utf8");
    const [, section = ""] = /^### What the profile sets$(.*?)^### /ms.exec(page) ?? [];
    const rows = [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, cell = ""]) => cell);
    const sentence = section.slice(section.indexOf("\nWith `nixos-fleet."));
    const listed = [...rows, sentence]
      .flatMap((text) => [...text.matchAll(/`([a-z].*?)`/gi)].map(([, path = ""]) => path))
      .filter((path) => !/^(nixos-fleet|lib)\./.test(path))
      .map((path) => [...path.matchAll(/"([^"]+)"|([^."]+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ""));
    expect(listed.length).toBeGreaterThan(30);

    const { set } = (await evaluate(cases, { lib: "null" })) as { set: string[][] };
    const within = (path: string[], outer: string[]) => outer.every((name, index) => path[index] === name);
    expect(listed.filter((path) => !set.some((one) => within(one, path)))).toEqual([]);
    expect(set.filter((path) => !listed.some((one) => within(path, one)))).toEqual([]);
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
