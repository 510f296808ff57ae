/** Where in a clone its flake is. */
import { posix } from "node:path";
import { flakeFile } from "../../rules/decision/flake-place";
import type { RunOptions } from "../run-program";
import { git } from "./git";

/**
 * The folder of the flake at a revision, relative to the clone's top: the nearest folder with a flake.nix from `directory` upwards, the
 * same one that Nix finds; undefined for the top.
 */
export async function flakeFolder(
  directory: string,
  revision: string,
  runOptions: RunOptions,
): Promise<string | undefined> {
  const prefix = await git(directory, { command: "rev-parse", options: ["--show-prefix"] }, runOptions);
  for (let folder = prefix.trim().replace(/\/$/, ""); folder !== "" && folder !== "."; folder = posix.dirname(folder)) {
    const values = [`${revision}:${flakeFile(folder, "flake.nix")}`];
    const there = git(directory, { command: "cat-file", options: ["-e"], values }, runOptions);
    if (
      await there.then(
        () => true,
        () => false,
      )
    )
      return folder;
    runOptions.signal.throwIfAborted();
  }
  return undefined;
}
