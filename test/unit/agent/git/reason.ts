import { GitError } from "../../../../agent/git/git";

/** Why a call of git failed; what else it threw, if that was no error of git's. */
export async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.then(
    () => undefined,
    (problem: unknown) => problem,
  );
  return error instanceof GitError ? error.reason : error;
}
