/** `scripts/docs`: writes docs/reference/settings.schema.json and docs/reference/settings.md from the settings' shapes. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { stackFileSchema } from "../../infra/config/settings-schema";
import { settingsReference, type StackFileSchema } from "./settings";

const docs = join(resolve(__dirname, "../.."), "docs/reference");
const schema = JSON.stringify(stackFileSchema(), null, 2);
writeFileSync(join(docs, "settings.schema.json"), `${schema}\n`);
writeFileSync(join(docs, "settings.md"), settingsReference(JSON.parse(schema) as StackFileSchema));
