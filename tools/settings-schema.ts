/** `scripts/docs`: writes docs/settings.schema.json from the settings' shapes. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { stackFileSchema } from "../infra/config/settings-schema";

writeFileSync(
  join(resolve(__dirname, ".."), "docs/settings.schema.json"),
  `${JSON.stringify(stackFileSchema(), null, 2)}\n`,
);
