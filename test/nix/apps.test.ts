/** `nix run FLAKE#fleet`, in a clone and without one; a folder with a small tool stands in for the flake's files. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evaluate, hasNix } from "../../nix/tests/image";

const scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-apps-"));
const cache = join(scratch, "cache");
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

/** A tool that says where it is of and what it was asked, and counts how often it was made ready. */
function tool(directory: string, of: string): string {
  mkdirSync(join(directory, "scripts"), { recursive: true });
  const script = (name: string, text: string) => {
    writeFileSync(join(directory, "scripts", name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(directory, "scripts", name), 0o555);
  };
  script("setup", `echo ready >>${scratch}/setups`);
  script("fleet", `echo "${of}: $*"`);
  writeFileSync(join(directory, "contract.json"), "{}");
  writeFileSync(join(directory, "package.json"), JSON.stringify({ scripts: { build: "true" } }));
  return directory;
}

describe.skipIf(!hasNix)("nix run", () => {
  let programs: Record<string, string>;
  beforeAll(async () => {
    const source = tool(join(scratch, "flake"), "the flake's");
    programs = (await evaluate("nix/tests/apps.nix", { source: JSON.stringify(source) })) as typeof programs;
  });

  const run = async (name: string, cwd: string, ...args: string[]) => {
    const options = { cwd, env: { XDG_CACHE_HOME: cache }, reject: false, all: true } as const;
    // As writeShellApplication starts it.
    const script = `set -o errexit -o nounset -o pipefail\n${programs[name] ?? ""}`;
    const { exitCode, all } = await execa("bash", ["-c", script, name, ...args], options);
    return `${exitCode ?? -1} ${all}`;
  };

  it("fleet needs no clone, and is made ready once", async () => {
    const elsewhere = join(scratch, "elsewhere");
    mkdirSync(elsewhere);
    for (const command of ["status", "history"])
      expect(await run("fleet", elsewhere, command, "--json")).toBe(`0 the flake's: ${command} --json`);
    expect((await execa`cat ${scratch}/setups`).stdout).toBe("ready");
    expect(readdirSync(join(cache, "nixos-fleet/tool"))).toHaveLength(1);
  });

  it("fleet is the flake's in another repository, and the clone's own in a clone", async () => {
    const company = join(scratch, "company");
    await execa`git init --quiet ${company}`;
    expect(await run("fleet", company, "status")).toBe("0 the flake's: status");
    const clone = tool(join(scratch, "clone"), "the clone's");
    await execa`git init --quiet ${clone}`;
    expect(await run("fleet", clone, "status")).toBe("0 the clone's: status");
  });

  it("local is for a clone alone", async () => {
    expect(await run("local", scratch)).toBe("2 local: this is no clone of nixos-fleet; run it inside one");
  });
});
