/** The path of the operator's tool, as gates call it. */
import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { foldersUp } from "../rules/text/folders-up";

/** The root of the package or of the repository. */
const ROOT = resolve(__dirname, "..");

/**
 * The tool, relative to the program's directory, in which Pulumi runs commands. A relative path is the same text on every machine: another
 * text would make each gate run again. Quoted for a shell.
 * @param directory the program's
 */
export function toolPath(directory: string): string {
  const path = relative(directory, join(installed(directory) ?? ROOT, TOOL));
  const shown = path.startsWith(".") ? path : `./${path}`;
  return /^[\w./@+-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`;
}

/** The tool as people call it from the program's directory. */
export function shownTool(directory: string): string {
  return installed(directory) === undefined ? toolPath(directory) : "npx fleet";
}

const TOOL = "scripts/fleet";

/**
 * The package's path when Node resolves it from the program. A package manager may keep the files elsewhere, under a path that contains the
 * version.
 */
function installed(directory: string): string | undefined {
  return foldersUp(directory)
    .map((folder) => join(folder, "node_modules/nixos-fleet"))
    .find((found) => existsSync(join(found, TOOL)));
}
