/**
 * The revision of a reference in the output of `git ls-remote`; undefined if it is not listed. git lists each reference whose name ends in
 * the given one: for `refs/heads/main` also `refs/heads/a/refs/heads/main`, which anyone may push who may push any branch.
 */
export function revisionOf(ref: string, listed: string): string | undefined {
  for (const line of listed.split("\n")) {
    const [revision = "", name] = line.split("\t");
    if (name === ref && /^[0-9a-f]{40}$/.test(revision)) return revision;
  }
  return undefined;
}
