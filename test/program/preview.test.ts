/** What a preview says of a new lock, and the stack's outputs after it. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { Program } from "./program";

let program: Program;
beforeEach(async () => {
  program = await Program.start("preview");
});
afterEach(() => program.stop());

const lock = (rev: string, lastModified: number) =>
  JSON.stringify({
    root: "root",
    nodes: {
      root: { inputs: { nixpkgs: "nixpkgs" } },
      nixpkgs: { locked: { type: "github", owner: "NixOS", repo: "nixpkgs", rev: rev.repeat(40), lastModified } },
    },
  });

it("is the lock's inputs, from what they are to what they would be, and nothing when it moved", async () => {
  await program.commit(lock("8", 1784011430));
  program.configure({ "nixos-fleet:vms": [{ name: "dev-alice" }], "nixos-fleet:waves": [{ name: "all", rest: true }] });
  const up = await program.run("up");
  expect(up.exitCode, up.text).toBe(0);
  await program.commit(lock("9", 1787209939));

  const preview = await program.run("preview");
  expect(preview.text).toContain('nixpkgs: "8888888 of 2026-07-14" => "9999999 of 2026-08-20"');
  expect(preview.text).toMatch(/all: [0-9a-f]{7} => [0-9a-f]{7}; nixpkgs 8888888 → 9999999, 37 days later/);

  await program.run("up");
  const { text } = await program.pulumi("stack", "output", "inputs", "--json", "--stack", program.stack);
  expect(JSON.parse(text)).toEqual({ nixpkgs: "9999999 of 2026-08-20" });
  expect((await program.run("preview")).text).not.toContain("=>");
});
