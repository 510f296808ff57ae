import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commitOf } from "../../../cli/repository/nix";
import { resolveRevision } from "../../../infra/preflight/revision";
import { gitArguments, type GitCommand } from "../../../rules/git-arguments";

const project = resolve(__dirname, "../../..");

describe("git's arguments", () => {
  it.each<[GitCommand, string]>([
    [{ command: "init", options: ["--bare"] }, "init --bare"],
    [{ command: "fetch", options: ["--depth=1"], values: ["r", "main"] }, "fetch --depth=1 --end-of-options r main"],
    [{ command: "rev-parse", values: ["HEAD"] }, "rev-parse HEAD"],
    [{ command: "diff", values: ["a", "b"], paths: ["."] }, "diff --end-of-options a b -- ."],
  ])("%o", (command, line) => {
    expect(gitArguments(command).join(" ")).toBe(line);
  });

  it("take no value for an option", () => {
    expect(() => gitArguments({ command: "checkout", values: ["--orphan"] })).toThrow(
      'git checkout: "--orphan" begins with "-"; no repository, revision or branch does',
    );
  });
});

describe("git runs no command that a value names", () => {
  const scratch = mkdtempSync(join(tmpdir(), "git-arguments-"));
  const proof = join(scratch, "ran");
  beforeAll(() => {
    execFileSync("git", ["init", "--quiet", scratch]);
    writeFileSync(join(scratch, "touch"), `#!/bin/sh\n: >${proof}\n`, { mode: 0o755 });
  });
  afterAll(() => rmSync(scratch, { recursive: true }));

  it.each(["--upload-pack=./touch", `--upload-pack=${join(scratch, "touch")}`])("%s as a repository", async (value) => {
    await expect(resolveRevision(value, "main")).rejects.toThrow('begins with "-"');
    expect(readdirSync(scratch)).not.toContain("ran");
  });

  it("as a revision", async () => {
    const runOptions = { signal: new AbortController().signal };
    await expect(commitOf(scratch, "--git-dir", runOptions)).rejects.toThrow('begins with "-"');
  });
});

it("every call of git takes its arguments from there", () => {
  const files = ["infra", "cli", "tools", "local"].flatMap((folder) =>
    readdirSync(join(project, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  const direct = /(?<!at|childEnvironment)\("git",(?! (gitArguments|argumentsOf)\()|\w`git /;
  const wrong = files
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => {
      const code = readFileSync(join(project, file), "utf8").split("\n");
      return code.filter((line) => direct.test(line)).map((line) => `${file}: ${line.trim()}`);
    });
  expect(wrong).toEqual([]);
});
