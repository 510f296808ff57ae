/** Which Pulumi project the tool works on. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The project that `from` is in; else the repository that the tool is part of, so that it works from any directory there. */
export function projectDirectory(from = process.cwd()): string {
  for (let directory = from; ; directory = dirname(directory)) {
    if (existsSync(join(directory, "Pulumi.yaml"))) return directory;
    if (dirname(directory) === directory) return join(__dirname, "..");
  }
}
