/** `fleet lock update` with the real git and the real nix, offline: the flake's input is a repository on this machine. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LockUpdate } from "../../cli/repository/lock-update";
import { image } from "../../nix/tests/image";
import { installNix } from "./real-nix";
import { identity, runFleet } from "../unit/cli/run-fleet";

describe.skipIf(image === undefined)("fleet lock update", () => {
  // Where the image's nix sees it.
  const directory = mkdtempSync("/tmp/fleet-lock-");
  const [input, clone] = [join(directory, "input"), join(directory, "clone")];
  const path = `${join(directory, "bin")}:${process.env["PATH"] ?? ""}`;
  const git = async (cwd: string, ...args: string[]) => (await execa("git", args, { cwd, env: identity })).stdout;
  afterAll(() => rmSync(directory, { recursive: true }));

  async function commit(where: string, file: string, text: string): Promise<string> {
    writeFileSync(join(where, file), text);
    await git(where, "add", "--all");
    await git(where, "commit", "--quiet", "--message", file);
    return git(where, "rev-parse", "HEAD");
  }

  async function fleet(...args: string[]) {
    return runFleet([...args, "--clone", clone], { ...identity, PATH: path, HOME: directory, TMPDIR: "/tmp" });
  }

  beforeAll(async () => {
    mkdirSync(join(directory, "bin"));
    installNix(join(directory, "bin"));
    for (const name of ["input", "clone"]) await git(directory, "init", "--quiet", "--initial-branch=main", name);
    await git(directory, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git");
    await commit(input, "flake.nix", "{ outputs = _: { value = 1; }; }\n");
    const flake = `{ inputs.ours.url = "git+file://${input}"; outputs = { ours, ... }: { inherit (ours) value; }; }\n`;
    await commit(clone, "flake.nix", flake);
    await execa("nix", ["--extra-experimental-features", "nix-command flakes", "flake", "lock"], {
      cwd: clone,
      env: { PATH: path },
    });
    await git(clone, "remote", "add", "origin", join(directory, "origin.git"));
    await commit(clone, "README", "the first lock\n");
    await git(clone, "push", "--quiet", "--set-upstream", "origin", "main");
  });

  it("moves the lock to what the input is now, and pushes it", async () => {
    const moved = await commit(input, "flake.nix", "{ outputs = _: { value = 2; }; }\n");
    const { code, out, err } = await fleet("lock", "update", "--json");
    expect([code, err]).toEqual([0, []]);
    const update = JSON.parse(out.join("\n")) as LockUpdate;
    expect(update.changes).toMatchObject([{ input: "ours", after: { revision: moved } }]);
    expect(readFileSync(join(clone, "flake.lock"), "utf8")).toContain(moved);
    expect(await git(directory, "-C", "origin.git", "rev-parse", "main")).toBe(update.revision);
  });

  it("finds nothing newer the second time", async () => {
    expect(await fleet("lock", "update", "ours")).toMatchObject({
      code: 0,
      out: [expect.stringMatching(/^nothing newer/)],
    });
  });

  it("leaves the clone as it was where the input cannot be had, with nix' own reason", async () => {
    const before = await git(clone, "rev-parse", "HEAD");
    rmSync(input, { recursive: true });
    const { code, err } = await fleet("lock", "update");
    expect(code).toBe(1);
    expect(err).toEqual([expect.stringMatching(/^nix flake: .*(No such file|does not exist|not found|input)/)]);
    expect(await git(clone, "rev-parse", "HEAD")).toBe(before);
    expect(await git(clone, "status", "--porcelain")).toBe("");
  });
});
