/** The npm package: the library, the tool and the policy pack as JavaScript with types, in the repository's own layout, and the files that they read. */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { manifestOf, packagesIn, type Manifest } from "./manifest";

const root = resolve(__dirname, "../..");

/**
 * What is copied as it is: read by the startup script, the configuration repository's flake, `fleet init`, and people. The flake's package
 * bundles agent/ with rules/, which is here as JavaScript: its sources beside that would be checked with the code of who imports the library.
 */
const FILES = [
  "contract.json",
  "flake.lock",
  "flake.nix",
  "nix",
  "agent",
  "infra/startup.sh",
  "templates",
  "examples/config-repo",
  "docs",
  "policy/PulumiPolicy.yaml",
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
  "SECURITY.md",
];

/** Of those, what only the repository needs. */
const LEFT_OUT = /(^|\/)(tests|docs\/write\.ts|node_modules)(\/|$)/;

/** Builds the package in `directory`/package and packs it; the tarball's path. */
export async function pack(directory: string): Promise<string> {
  const staged = join(directory, "package");
  rmSync(staged, { recursive: true, force: true });
  mkdirSync(staged, { recursive: true });
  await execa({ cwd: root })`npx --no-install tsc -p tools/package --outDir ${staged}`;
  for (const file of FILES)
    if (existsSync(join(root, file)))
      cpSync(join(root, file), join(staged, file), {
        recursive: true,
        filter: (source) => !LEFT_OUT.test(source.slice(root.length)),
      });
  mkdirSync(join(staged, "scripts"), { recursive: true });
  writeFileSync(join(staged, "scripts/fleet"), '#!/usr/bin/env node\nrequire("../fleet.js");\n');
  chmodSync(join(staged, "scripts/fleet"), 0o755);
  dropTypes(staged);
  const source = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
  const manifest = manifestOf(source, packagesIn(javascript(staged)));
  writeFileSync(join(staged, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const { stdout } = await execa({ cwd: staged })`npm pack --json --pack-destination ${resolve(directory)}`;
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  return join(resolve(directory), packed?.filename ?? "");
}

/** Types are for who imports the library; the tool and the policy pack are only run. */
function dropTypes(staged: string): void {
  for (const folder of ["cli", "policy"])
    for (const name of readdirSync(join(staged, folder), { recursive: true, encoding: "utf8" }))
      if (name.endsWith(".d.ts")) rmSync(join(staged, folder, name));
}

/** The texts of all scripts below a directory. */
function javascript(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js"))
    .map((name) => readFileSync(join(directory, name), "utf8"));
}

if (require.main === module)
  void pack(process.argv[2] ?? join(root, "build")).then(
    (tarball) => console.log(tarball),
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    },
  );
