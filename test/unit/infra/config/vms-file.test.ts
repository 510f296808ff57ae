import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkStack, withVmsFile } from "../../../../infra/config/vms/vms-file";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "vms-file-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const given = (text: string, more: Record<string, string> = {}) => {
  writeFileSync(join(directory, "vms.json"), text);
  return withVmsFile({ "nixos-fleet:fleet": "devs", "nixos-fleet:vmsFile": "vms.json", ...more }, directory);
};

describe("nixos-fleet:vmsFile", () => {
  it("puts the file's list where the stack's own would be", () => {
    expect(given('[\n  { "name": "dev-alice" }\n]\n', { "nixos-fleet:vms": "[]" })).toEqual({
      raw: { "nixos-fleet:fleet": "devs", "nixos-fleet:vms": '[{"name":"dev-alice"}]' },
      mistakes: [],
    });
  });

  it("changes nothing where it is not set", () => {
    const raw = { "nixos-fleet:vms": '[{"name":"dev-alice"}]' };
    expect(withVmsFile(raw, directory)).toEqual({ raw, mistakes: [] });
    expect(withVmsFile({ ...raw, "nixos-fleet:vmsFile": "" }, directory)).toEqual({ raw, mistakes: [] });
  });

  it("does not go with a list beside it", () => {
    expect(given("[]", { "nixos-fleet:vms": '[{"name":"dev-bob"}]' }).mistakes).toEqual([
      'nixos-fleet:vmsFile: "vms.json" and nixos-fleet:vms must not both be set: the VMs are listed in one place',
    ]);
  });

  it.each([
    ["is not there", undefined, ": no such file or directory"],
    ["is no JSON", "[\n{,\n]", "JSON"],
  ])("is one line of message where the file %s", (_, text, reason) => {
    const { mistakes } =
      text === undefined ? withVmsFile({ "nixos-fleet:vmsFile": "none.json" }, directory) : given(text);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(
      /^nixos-fleet:vmsFile: "\w+\.json" must be a readable JSON file with a list of VMs: .+$/,
    );
    expect(mistakes[0]).toContain(reason);
  });
});

it("is the one mistake where it cannot be read: that there are no VMs is no second one", () => {
  const values = {
    "gcp:project": "acme-dev",
    "gcp:region": "europe-west1",
    "nixos-fleet:repository": "https://git.example.com/config.git",
    "nixos-fleet:vmsFile": "nowhere.json",
  };
  const { mistakes, config } = checkStack(values, "dev", directory, undefined);
  expect(mistakes).toEqual([
    expect.stringMatching(/^nixos-fleet:vmsFile: "nowhere.json" must be a readable JSON file/),
  ]);
  expect(config).toBeUndefined();
});

describe("a map of secrets", () => {
  const secret = (text: string) => `-----BEGIN OPENSSH PRIVATE KEY-----\n${text}\n-----END OPENSSH PRIVATE KEY-----\n`;
  const keys = { "github.com/acme": "t0ken-of-acme", "ssh://git@git.example.com/libs": secret("bGlicw-libs") };
  const raw = {
    "gcp:project": "acme-dev",
    "gcp:region": "europe-west1",
    "nixos-fleet:repository": "https://git.example.com/config.git",
    "nixos-fleet:vms": '[{"name":"dev-alice"}]',
    "nixos-fleet:deployKeys": JSON.stringify(keys),
  };
  const check = (encrypted: string[] | undefined = ["nixos-fleet:deployKeys"], stack = "dev") =>
    checkStack(raw, stack, "/nowhere", encrypted, directory).mistakes;
  const line = (key: string) =>
    `nixos-fleet:deployKeys: "${key}" is not encrypted in the stack's file and must be a secret: replace the key where it came from, then pulumi config set --secret --path 'nixos-fleet:deployKeys["${key}"]'`;
  const encrypted = (key: string) => `    ${key}:\n      secure: v1:abc=\n`;

  it("that is encrypted throughout is no mistake, nor one whose file is not there", () => {
    expect(check()).toEqual([]);
    writeFileSync(join(directory, "Pulumi.dev.yaml"), Object.keys(keys).map(encrypted).join(""));
    expect(check()).toEqual([]);
  });

  it.each<[string, string, string[]]>([
    ["Pulumi.dev.yaml", "    github.com/acme: t0ken-of-acme\n", ["github.com/acme"]],
    ["Pulumi.yaml", "    github.com/acme: t0ken-of-acme\n", ["github.com/acme"]],
    ["Pulumi.prod.yaml", "    github.com/acme: t0ken-of-acme\n", []],
    [
      "Pulumi.dev.yaml",
      `    libs: |\n${secret("bGlicw-libs").replace(/^/gm, "      ")}`,
      ["ssh://git@git.example.com/libs"],
    ],
    ["Pulumi.dev.yaml", JSON.stringify({ libs: secret("bGlicw-libs") }), ["ssh://git@git.example.com/libs"]],
    ["Pulumi.dev.yaml", `    libs: |\n${secret("another-key")}`, []],
  ])("in %s, with a value in clear: %j", (file, text, named) => {
    writeFileSync(join(directory, file), text);
    expect(check()).toEqual(named.map(line));
    expect(check().join()).not.toContain("t0ken");
    expect(check([])).toHaveLength(1);
    expect(check(["nixos-fleet:deployKeys"], "prod").length).toBe(
      file === "Pulumi.prod.yaml" ? 1 : file === "Pulumi.yaml" ? 1 : 0,
    );
  });
});
