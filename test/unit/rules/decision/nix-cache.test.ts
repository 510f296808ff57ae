/** Which failed evaluations may have a damaged cache as their cause: what Nix 2.26 and 2.18 print, with a clone in their cache damaged. */
import { expect, it } from "vitest";
import { mayBeDamagedCache } from "../../../../rules/decision/nix-cache";

const cache = "/var/lib/nixos-auto-update/nix-cache";

it.each([
  "error: getting Git object '3613d2b': failed to parse loose object: invalid header",
  "error: getting Git object '3613d2b': invalid bit length repeat",
  "error: getting parent of Git commit '11d4482': invalid bit length repeat",
  "fatal: loose object 3613d2b (stored in ./objects/36/13d2b) is corrupt",
  "warning: could not update local clone of Git repository 'file:///x'; continuing with the most recent version\nerror: Cannot find Git revision '11d' in ref 'x'",
  "fatal: not a git repository: '.'",
  `error: executing SQLite statement 'pragma synchronous = off': file is not a database (in '${cache}/nix/fetcher-cache-v3.sqlite')`,
  `error: executing SQLite statement 'x': database disk image is malformed (in '${cache}/nix/fetcher-cache-v3.sqlite')`,
])("the cache may be: %s", (text) => {
  expect(mayBeDamagedCache(text, cache)).toBe(true);
});

it.each([
  "error: undefined variable 'x'",
  "error: unable to download 'https://x/y.tar.gz': HTTP error 503",
  `error: database or disk is full (in '${cache}/nix/fetcher-cache-v3.sqlite')`,
  "fatal: unable to access 'https://x/': Could not resolve host: x\nerror: Cannot find Git revision '11d' in ref 'x'",
  "git@github.com: Permission denied (publickey).\nerror: Cannot find Git revision '11d' in ref 'x'",
])("something else is: %s", (text) => {
  expect(mayBeDamagedCache(text, cache)).toBe(false);
});
