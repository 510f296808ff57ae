/** The npm package: the library with its types, the tool, the policy pack and the agent, one script each, and the files that they read. */
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { bundlePage } from "../bundle-page";
import { manifestOf, packagesIn, type Manifest } from "./manifest";
import { launcher } from "./node-version";
import { writePrograms } from "./programs";
import { writeTypes } from "./types";

const root = resolve(__dirname, "../..");

/** What is copied as it is: read by the startup script, the configuration repository's flake, `fleet init`, and people. */
const FILES = [
  "contract.json",
  "flake.lock",
  "flake.nix",
  "nix",
  "agent/share",
  "agent/watch.sh",
  "infra/startup.sh",
  "infra/startup-loader.sh",
  "templates",
  "examples",
  "docs",
  "Pulumi.dev.yaml",
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
];

/** Of those, what only the repository needs. */
const LEFT_OUT = /(^|\/)(tests|docs\/write\.ts|node_modules)(\/|$)/;

/**
 * Builds the package in `directory`/package and packs it; the tarball's path.
 * @param withTypes false for a package that is only run: the types take half a minute
 */
export async function pack(directory: string, withTypes = true): Promise<string> {
  const staged = join(directory, "package");
  rmSync(staged, { recursive: true, force: true });
  mkdirSync(staged, { recursive: true });
  for (const file of FILES)
    cpSync(join(root, file), join(staged, file), {
      recursive: true,
      filter: (source) => !LEFT_OUT.test(source.slice(root.length)),
    });
  const [programs] = await Promise.all([writePrograms(staged), withTypes && writeTypes(staged)]);
  const policy = readFileSync(join(root, "policy/PulumiPolicy.yaml"), "utf8");
  writeFileSync(join(staged, "policy/PulumiPolicy.yaml"), policy.replace(/^main: index\.ts$/m, "main: index.js"));
  mkdirSync(join(staged, "scripts"), { recursive: true });
  writeFileSync(join(staged, "scripts/fleet"), launcher);
  chmodSync(join(staged, "scripts/fleet"), 0o755);
  mkdirSync(join(staged, "cli/dashboard"), { recursive: true });
  writeFileSync(join(staged, "cli/dashboard/page.json"), JSON.stringify(await bundlePage()));
  const source = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
  const scripts = programs.map((program) => readFileSync(join(staged, program), "utf8"));
  const manifest = manifestOf(source, packagesIn(scripts));
  writeFileSync(join(staged, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const { stdout } = await execa({ cwd: staged })`npm pack --json --pack-destination ${resolve(directory)}`;
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  return join(resolve(directory), packed?.filename ?? "");
}

if (require.main === module)
  void pack(process.argv[2] ?? join(root, "build")).then(
    (tarball) => console.log(tarball),
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    },
  );
