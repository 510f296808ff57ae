/** The agents' manual pages and shell completions, which are made from one description. */
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { usage, usageText } from "../../../agent/commands/usage";
import { readOptions } from "../../../agent/options";
import { agentReference, referenceFolder } from "../../../tools/reference/agent";

const made = agentReference();

it("what lies in agent/share is what ./scripts/docs writes", () => {
  const names = readdirSync(referenceFolder, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => statSync(join(referenceFolder, name)).isFile());
  const there = files.map((name) => [name, readFileSync(join(referenceFolder, name), "utf8")]);
  expect(Object.fromEntries(there)).toEqual(made);
});

describe("the description", () => {
  const run = usage["nixos-auto-update"].commands.find(({ name }) => name === "run");

  it("has the options that a run takes, and their values", () => {
    const options = run?.options ?? [];
    const values: Record<string, string> = { "--revision": "a".repeat(40), "--by": "alice" };
    for (const { name, value, values: known = [values[name] ?? ""] } of options)
      for (const one of known)
        expect(() => readOptions("nixos-auto-update", "run", value === undefined ? [name] : [name, one])).not.toThrow();
    const source = readFileSync("agent/options.ts", "utf8");
    const taken = [...source.matchAll(/case "(--[a-z]+)"/g)].map(([, name]) => name).sort();
    expect(options.map(({ name }) => name).sort()).toEqual(taken);
  });

  it("is all in the text of --help", () => {
    const text = usageText("nixos-auto-update");
    for (const { name, options = [] } of usage["nixos-auto-update"].commands)
      for (const word of [name, ...options.map((option) => option.name)]) expect(text).toContain(word);
  });
});

describe("bash", () => {
  /** What Tab offers after these words. */
  function offers(program: string, ...words: string[]): string[] {
    const script = `
      source ${referenceFolder}/bash-completion/completions/${program}
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      _${program.replaceAll("-", "_")}
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const text = execFileSync("bash", ["-c", script, "bash", program, ...words], { encoding: "utf8" });
    return text.split("\n").filter((word) => word !== "");
  }

  it.each([
    [
      ["nixos-auto-update", "s"],
      ["status", "self-test"],
    ],
    [["nixos-auto-update", "status", ""], ["--json"]],
    [["nixos-auto-update", "run", "--fo"], ["--force"]],
    [
      ["nixos-auto-update", "run", "--trigger", "s"],
      ["schedule", "ssh"],
    ],
    [["nixos-auto-update", "run", "--by", ""], []],
    [["nixos-auto-update", "w"], []],
    [["nixos-hm-auto-update", "t"], []],
    [["nixos-hm-auto-update", "run", "--t"], ["--trigger"]],
  ])("completes %j", ([program = "", ...words], expected) => {
    expect(offers(program, ...words)).toEqual(expected);
  });
});

const hasMan = spawnSync("groff", ["--version"]).status === 0;

describe.skipIf(!hasMan)("groff", () => {
  it.each(Object.keys(made).filter((name) => name.startsWith("man/")))("reads %s without a warning", (name) => {
    const args = ["-man", "-ww", "-Tutf8", "-K", "utf8", join(referenceFolder, name)];
    const { stderr, stdout } = spawnSync("groff", args, { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout).toContain("journalctl(1)");
  });
});
