/** Mistakes in a stack's configuration, through the real engine: one line each, all at once, and nothing created. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Program } from "./program";

let program: Program;
beforeAll(async () => {
  program = await Program.start("mistakes");
});
afterAll(() => program.stop());

/** `pulumi up` with a configuration that is right but for `config`. */
async function up(config: object) {
  program.configure({ "nixos-fleet:vms": [{ name: "dev-alice" }], ...config });
  const { exitCode, text } = await program.run("up");
  return { exitCode, text, created: Object.keys(await program.resources()) };
}

describe("a mistake in the stack's configuration", () => {
  it("is one line, and all of one run come at once", async () => {
    const { exitCode, text, created } = await up({
      "gcp:project": undefined,
      "nixos-fleet:colour": "red",
      "nixos-fleet:vms": [{ name: "Dev_Alice" }],
      "nixos-fleet:resolveFrom": join(program.scratch, "nowhere"),
    });
    expect(exitCode).not.toBe(0);
    for (const line of [
      "gcp:project: must be set: the Google Cloud project that gets the fleet",
      "nixos-fleet:colour: unknown key",
      'nixos-fleet:vms[0].name: "Dev_Alice" must be a Compute name: a lower-case letter first, then letters, digits or -, 63 at most',
    ])
      expect(text).toContain(line);
    expect(text).toMatch(/nixos-fleet:resolveFrom: cannot read branch "main" of .*nowhere: fatal: .*/);
    expect(text).not.toContain("at main (");
    expect(created).toEqual([]);
  });

  it("is a wave without a VM", async () => {
    const waves = [
      { name: "canary", vms: [] },
      { name: "rest", rest: true },
    ];
    const { exitCode, text, created } = await up({ "nixos-fleet:waves": waves });
    expect(exitCode).not.toBe(0);
    expect(text).toContain('nixos-fleet:waves[0]: "canary" has no VM; give it one or remove it');
    expect(created).toEqual([]);
  });
});
