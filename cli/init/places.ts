/** Where what `fleet init` names is: the package of this tool, and the repository of an existing flake. */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { foldersUp } from "../../rules/text/folders-up";

interface PackageFile {
  name?: string;
  version?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/**
 * What a new project's `package.json` names as the package of the tool in `root`: as it is named where the tool is installed, since that
 * may be a tarball that no registry has; otherwise its version.
 */
export function packageSpec(root: string, project: string): string {
  const { name = "", version = "" } = readPackage(root);
  const modules = dirname(root);
  const user = dirname(modules);
  if (basename(modules) !== "node_modules" || !existsSync(join(user, "package.json"))) return version;
  const { dependencies, devDependencies } = readPackage(user);
  const spec = dependencies?.[name] ?? devDependencies?.[name] ?? version;
  const [, path] = /^file:(.*)$/.exec(spec) ?? [];
  return path === undefined ? spec : `file:${relative(project, resolve(user, path))}`;
}

function readPackage(directory: string): PackageFile {
  return JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as PackageFile;
}

/** The top of the clone that a directory is in; the directory itself if it is in none. */
export function cloneOf(directory: string): string {
  return foldersUp(directory).find((folder) => existsSync(join(folder, ".git"))) ?? directory;
}
