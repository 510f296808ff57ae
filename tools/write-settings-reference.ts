/** `scripts/docs`: writes docs/settings.schema.json and docs/settings.md from the settings' shapes. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { stackFileSchema } from "../infra/config/settings-schema";
import { settingsReference, type StackFileSchema } from "./settings-reference";

const docs = join(resolve(__dirname, ".."), "docs");
const schema = JSON.stringify(stackFileSchema(), null, 2);
writeFileSync(join(docs, "settings.schema.json"), `${schema}\n`);
writeFileSync(join(docs, "settings.md"), settingsReference(JSON.parse(schema) as StackFileSchema));
