/** `scripts/docs`: writes docs/reference/settings.schema.json, docs/reference/settings.md and infra/config/fleet-settings.ts. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { requiredSettings, stackFileSchema } from "../../infra/config/settings-schema";
import { settingsReference, type StackFileSchema } from "./settings";
import { settingsType } from "./settings-type";

const root = resolve(__dirname, "../..");
const docs = join(root, "docs/reference");
const schema = JSON.stringify(stackFileSchema(), null, 2);
writeFileSync(join(docs, "settings.schema.json"), `${schema}\n`);
writeFileSync(join(docs, "settings.md"), settingsReference(JSON.parse(schema) as StackFileSchema));

settingsType(JSON.parse(schema) as StackFileSchema, requiredSettings())
  .then((text) => {
    writeFileSync(join(root, "infra/config/fleet-settings.ts"), text);
  })
  .catch((error: unknown) => {
    console.error(`docs: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
