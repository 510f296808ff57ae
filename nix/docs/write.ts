/** `scripts/docs`: writes docs/reference/modules.md from the modules' options. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { evaluate, hasNix } from "../tests/image";

const target = join(resolve(__dirname, "../.."), "docs/reference/modules.md");

async function main() {
  if (!hasNix) throw new Error("needs nix on PATH, or the local cloud's image and root (./scripts/local up)");
  writeFileSync(target, (await evaluate("nix/docs/default.nix", { lib: "null" })) as string);
}

main().catch((error: unknown) => {
  console.error(`docs: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
