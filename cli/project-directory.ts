/** Which Pulumi project the tool works on, and its stacks' settings. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The project that `from` is in; else the repository that the tool is part of, so that it works from any directory there. */
export function projectDirectory(from = process.cwd()): string {
  for (let directory = from; ; directory = dirname(directory)) {
    if (existsSync(join(directory, "Pulumi.yaml"))) return directory;
    if (dirname(directory) === directory) return join(__dirname, "..");
  }
}

/** The settings file of a stack in a project's folder; undefined where there is none. */
export function readSettingsFile(directory: string, stack: string): { path: string; text: string } | undefined {
  const name = `Pulumi.${stack}.yaml`;
  const path = join(directory, name);
  return existsSync(path) ? { path: name, text: readFileSync(path, "utf8") } : undefined;
}
