/** Which Pulumi project the tool works on, and its stacks' settings. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { foldersUp } from "../rules/text/folders-up";

/** The project that `from` is in; else the repository that the tool is part of, so that it works from any directory there. */
export function projectDirectory(from = process.cwd()): string {
  return foldersUp(from).find((folder) => existsSync(join(folder, "Pulumi.yaml"))) ?? join(__dirname, "..");
}

/** The settings file of a stack in a project's folder; undefined if there is none. */
export function readSettingsFile(directory: string, stack: string): { path: string; text: string } | undefined {
  const path = `Pulumi.${stack}.yaml`;
  const text = readIfThere(join(directory, path));
  return text === undefined ? undefined : { path, text };
}

/** A file's text; undefined if it does not exist. Other commands may remove the files of other stacks at any time. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
