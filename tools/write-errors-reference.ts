/** `scripts/docs`: writes docs/errors.md from the table of errors. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { errorsReference } from "./errors-reference";

writeFileSync(join(resolve(__dirname, ".."), "docs/errors.md"), errorsReference());
