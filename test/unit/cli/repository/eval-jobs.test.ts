/** What nix-eval-jobs prints, and how many workers it gets. */
import { describe, expect, it } from "vitest";
import { systemsOf, workersFor } from "../../../../cli/repository/eval-jobs";

const gib = 2 ** 30;

describe("the lines of nix-eval-jobs", () => {
  it("are systems, by the host's own name", () => {
    const line = (host: string) =>
      JSON.stringify({
        attr: `"${host}"`,
        attrPath: [host],
        drvPath: "/nix/store/a.drv",
        outputs: { out: "/nix/store/a" },
      });
    expect(systemsOf(`${line("dev-alice")}\n${line("dev.bob")}\n`)).toEqual({
      systems: {
        "dev-alice": { derivation: "/nix/store/a.drv", toplevel: "/nix/store/a" },
        "dev.bob": { derivation: "/nix/store/a.drv", toplevel: "/nix/store/a" },
      },
      errors: {},
    });
    expect(systemsOf("")).toEqual({ systems: {}, errors: {} });
  });

  it.each<[string, object, string]>([
    ["an error", { error: "error:\n  … at x\n\n  error: no such option" }, "no such option"],
    ["an error in other words", { error: "killed" }, "killed"],
    ["no output", { drvPath: "/nix/store/a.drv", outputs: {} }, "it has no output"],
  ])("are %s", (_, more, text) =>
    expect(systemsOf(JSON.stringify({ attr: "a", attrPath: ["a"], ...more })).errors).toEqual({ a: text }),
  );
});

it.each([
  [8, 64 * gib, 8],
  [8, 10 * gib, 2],
  [8, gib, 1],
  [1, 64 * gib, 1],
])("%i processors and %i bytes are for %i workers", (processors, free, workers) =>
  expect(workersFor(processors, free)).toBe(workers),
);
