/** The ages of the inputs in the approved `flake.lock`. */
import { readLock } from "../../rules/lock/flake-lock-file";
import type { Source } from "../fleet";
import { lockAt, withCommits } from "../repository/config-repository";
import type { RunOptions } from "../run-program";
import type { LockedAge, PageDocument } from "./document";

/** The inputs that a lock's flake has itself, and that have a lock of their own. @throws Error with one line if the text is not a lock */
export function lockedAges(text: string): LockedAge[] {
  return [...readLock(text)].flatMap(([input, { source, revision, at, follows }]) =>
    input.includes("/") || follows !== null ? [] : [{ input, source, revision, at }],
  );
}

/** The ages of a revision's lock, from the clone in this directory or from the repository. @throws Error with one line if it cannot be had */
export async function readLockAges(
  revision: string,
  source: Source | undefined,
  runOptions: RunOptions,
): Promise<PageDocument["lock"]> {
  const clone = process.cwd();
  const text = await withCommits([revision], { clone, source }, runOptions, (repository) =>
    lockAt({ ...repository, revision }, runOptions),
  );
  return text === undefined ? null : { revision, inputs: lockedAges(text) };
}
