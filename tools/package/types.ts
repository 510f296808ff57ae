/** The types of the library as one file, compiled once as by a user's compiler that does not skip the declarations of libraries. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";

const root = resolve(__dirname, "../..");

export async function writeTypes(staged: string): Promise<void> {
  // Where the compiler finds the packages that the types name.
  mkdirSync(join(root, "build"), { recursive: true });
  const scratch = mkdtempSync(join(root, "build/types-"));
  const written = join(scratch, "index.d.ts");
  const options = ["--project", "tools/package/tsconfig.json", "--no-banner", "--export-referenced-types", "false"];
  const args = ["--no-install", "dts-bundle-generator", ...options, "--out-file", written, "infra/index.ts"];
  try {
    const { all, exitCode } = await execa("npx", args, { cwd: root, all: true, reject: false });
    if (exitCode !== 0) throw new Error(`the library's types cannot be bundled:\n${all}`);
    copyFileSync(written, join(staged, "infra/index.d.ts"));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
