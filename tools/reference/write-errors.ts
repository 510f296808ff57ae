/** `scripts/docs`: writes docs/reference/errors.md from the table of errors. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { errorsReference } from "./errors";

writeFileSync(join(resolve(__dirname, "../.."), "docs/reference/errors.md"), errorsReference());
