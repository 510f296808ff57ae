import { posix } from "node:path";

/** A text that names documents by their paths, with links to them from a page in docs/reference. */
export const linked = (text: string): string =>
  text.replace(
    /\bdocs\/[\w/-]+\.md\b/g,
    (path) => `[${posix.basename(path)}](${posix.relative("docs/reference", path)})`,
  );
