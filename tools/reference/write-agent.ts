/** `scripts/docs`: writes the agents' manual pages and completions. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { agentReference, referenceFolder } from "./agent";

const folder = join(resolve(__dirname, "../.."), referenceFolder);
rmSync(folder, { recursive: true, force: true });
for (const [name, text] of Object.entries(agentReference())) {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
