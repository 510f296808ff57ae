/** `fleet init`: what a newcomer gets, and that nothing that is there is touched. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { afterEach, beforeEach, expect, it, test } from "vitest";
import { checkConfig } from "../../../infra/config/fleet-config";
import { withVmsFile } from "../../../infra/config/vms-file";
import { runFleet } from "./run-fleet";

const root = resolve(__dirname, "../../..");
const example = join(root, "examples/config-repo");
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "fleet init "));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function init(...args: string[]) {
  return runFleet(["init", ...args, "--stack-directory", directory], {});
}

const files = (where: string) =>
  readdirSync(where, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => relative(where, join(one.parentPath, one.name)))
    .sort();

/** The stack's file as Pulumi would hand it over; each of its lines is a key with a value in JSON or a plain word. */
function settingsOf(file: string): Record<string, string> {
  const text = readFileSync(file, "utf8");
  const plain = [...text.matchAll(/^ {2}([\w:-]+): (\S.*)$/gm)].map(([, key = "", value = ""]) => [
    key,
    value.startsWith('"') ? (JSON.parse(value) as string) : value,
  ]);
  return Object.fromEntries(plain) as Record<string, string>;
}

it("writes the example and a stack, and says what is next", async () => {
  const config = join(directory, "new/config");
  const { code, out, err } = await init(config);
  expect([code, err]).toEqual([0, []]);
  expect(files(config)).toEqual(files(example));
  for (const name of files(config)) expect(readFileSync(join(config, name))).toEqual(readFileSync(join(example, name)));
  expect(out[0]).toMatch(/^\d+ files in .*config, and .*Pulumi\.prod\.yaml$/);
  expect(out.join("\n")).toMatch(
    /set gcp:project and nixos-fleet:repository in .*Pulumi\.prod\.yaml\n4\. pulumi stack init prod/,
  );
});

it("leaves open what was not given, which the program then names, and nothing else", async () => {
  await init(join(directory, "config"));
  const { raw, mistakes } = withVmsFile(settingsOf(join(directory, "Pulumi.prod.yaml")), root);
  expect(mistakes).toEqual([]);
  expect(checkConfig(raw, "prod").mistakes).toEqual([
    expect.stringMatching(/^nixos-fleet:repository: /),
    expect.stringMatching(/^gcp:project: must be set/),
  ]);
});

it("writes a stack that is right where all was given", async () => {
  const given = ["--stack", "acme", "--project", "acme-dev", "--repository", "git@git.example.com:nixos-config.git"];
  const { out } = await init(join(directory, "config"), ...given, "--json");
  const { stackFile, next } = JSON.parse(out.join("\n")) as { stackFile: string; next: string[] };
  expect(stackFile).toBe(join(directory, "Pulumi.acme.yaml"));
  expect(next.join("\n")).not.toContain("gcp:project");
  const { raw } = withVmsFile(settingsOf(stackFile), root);
  const { config, mistakes } = checkConfig(
    {
      ...raw,
      "nixos-fleet:waves":
        '[{"name":"canary","vms":["dev-canary"],"pause":"30m"},{"name":"rest","rest":true,"maxFailures":"10%"}]',
    },
    "acme",
  );
  expect(mistakes).toEqual([]);
  expect(config?.vms.map(({ name }) => name)).toEqual(["dev-canary", "dev-alice", "dev-bob"]);
});

it("takes an empty directory, and refuses one that is not", async () => {
  const config = join(directory, "config");
  mkdirSync(config);
  expect((await init(config)).code).toBe(0);
  writeFileSync(join(config, "vms.json"), "mine");
  const again = await init(config, "--stack", "other");
  expect(again).toMatchObject({ code: 2, out: [], err: [expect.stringMatching(/config is not empty; name a new/)] });
  expect(readFileSync(join(config, "vms.json"), "utf8")).toBe("mine");
  expect(existsSync(join(directory, "Pulumi.other.yaml"))).toBe(false);
});

it("does not overwrite a stack, and leaves nothing of the repository then", async () => {
  writeFileSync(join(directory, "Pulumi.prod.yaml"), "mine");
  const { code, err } = await init(join(directory, "a/b"));
  expect([code, err]).toEqual([
    1,
    [expect.stringMatching(/Pulumi\.prod\.yaml is there already; --stack names another/)],
  ]);
  expect(readFileSync(join(directory, "Pulumi.prod.yaml"), "utf8")).toBe("mine");
  expect(existsSync(join(directory, "a"))).toBe(false);
});

it("leaves nothing behind when the stack's file cannot be written", async () => {
  rmSync(directory, { recursive: true });
  const config = `${directory}-config`;
  const { code, err } = await init(join(config, "deep"));
  mkdirSync(directory);
  expect([code, err]).toEqual([1, [expect.stringMatching(/^nothing was written: ENOENT/)]]);
  expect(existsSync(config)).toBe(false);
});

test.each([
  [["a", "b"], /unexpected argument b/],
  [["--stack", "My Stack"], /--stack is My Stack; it must be a name/],
  [["--region", "Europe"], /--region is Europe; it must be a region/],
  [["--project", "x"], /--project is x; it must be a project's id/],
  [["--repository", "here"], /--repository is here; it must be an http/],
  [[join(__filename)], /is no directory to write to: ENOTDIR/],
])("fleet init %j is refused in one line", async (args, message) => {
  const { code, err } = await init(...args);
  expect([code, err]).toEqual([2, [expect.stringMatching(message)]]);
  expect(readdirSync(directory)).toEqual([]);
});
