/**
 * Node's messages about files and programs, without error codes: `ENOENT: no such file or directory, open '/x'` becomes `/x: no such file
 * or directory`. Pure.
 */

/** The code, the system's own words, the call, and the paths if there are any. */
const systemError = /\bE[A-Z0-9]{2,}: ([^,\n]+), \w+(?: '([^'\n]*)'(?: -> '[^'\n]*')?)?/g;

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const program = absentProgram(error);
  if (program !== undefined) return `${program} is not on PATH; run this where it is installed`;
  return error.message.replace(systemError, (_, words: string, path?: string) =>
    path === undefined ? words : `${path}: ${words}`,
  );
}

/** The same for a caller that names the file already: only the system's own words. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(systemError, "$1") : String(error);
}

/** The program that could not be started because it does not exist; undefined if another error was thrown. */
function absentProgram(error: Error): string | undefined {
  // The code here that starts programs wraps Node's own error.
  const { code, syscall = "", path } = (error.cause instanceof Error ? error.cause : error) as NodeJS.ErrnoException;
  return code === "ENOENT" && syscall.startsWith("spawn") ? path : undefined;
}
