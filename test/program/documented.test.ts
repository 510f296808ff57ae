/** The documented stack, Pulumi.dev.yaml, and the project's schema, Pulumi.yaml: they are right, and they name every key. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkConfig, KEYS } from "../../infra/config/fleet-config";
import { withVmsFile } from "../../infra/config/vms/vms-file";
import { Program } from "./setup/program";

const project = resolve(__dirname, "../..");
const read = (name: string) => readFileSync(join(project, name), "utf8");
const documented = read("Pulumi.dev.yaml");
const schema = read("Pulumi.yaml");

let program: Program;
beforeAll(async () => {
  program = await Program.start("documented");
});
afterAll(() => program.stop());

describe("Pulumi.dev.yaml", () => {
  it("is a stack without a mistake", async () => {
    const file = join(project, "Pulumi.dev.yaml");
    const stack = ["--stack", "documented", "--config-file", file];
    const { exitCode, text } = await program.pulumi("config", "--json", "--non-interactive", ...stack);
    expect(exitCode, text).toBe(0);
    const written = JSON.parse(text) as Record<string, { value: string }>;
    const all = Object.fromEntries(Object.entries(written).map(([key, { value }]) => [key, value]));
    const { config, mistakes } = checkConfig(withVmsFile(all, project).raw, "dev");
    expect(mistakes).toEqual([]);
    expect(config?.vms.map(({ name, wave, schedule }) => [name, wave, schedule])).toEqual([
      ["dev-canary", "canary", undefined],
      ["dev-alice", "research", "office"],
      ["dev-bob", "rest", "office"],
    ]);
  });

  it.each([...KEYS, "vmsFile"])("says what %s is", (key) =>
    expect(documented).toMatch(new RegExp(`nixos-fleet:${key}\\b`)),
  );
});

describe("Pulumi.yaml", () => {
  const keys = [...schema.matchAll(/^ {2}(\w+):\n((?: {4}.*\n)+)/gm)].map(([, key = "", body = ""]) => ({ key, body }));

  it("lists keys that there are", () => {
    expect(keys.length).toBeGreaterThan(10);
    expect(keys.map(({ key }) => key).filter((key) => ![...KEYS, "vmsFile"].includes(key))).toEqual([]);
  });

  it.each(keys.map(({ key, body }) => [key, body]))("has a type, a default and a description of %s", (_, body) => {
    for (const part of ["type", "default", "description"]) expect(body).toMatch(new RegExp(`^ {4}${part}: \\S`, "m"));
  });
});
