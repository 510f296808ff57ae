/** Where a repository has its flake: at the top, or in a folder below it. Pure. */

/** A file of the flake, from the repository's top. @param subdirectory such as `nixos`; undefined or empty for the top */
export function flakeFile(subdirectory: string | undefined, file: string): string {
  return subdirectory === undefined || subdirectory === "" ? file : `${subdirectory}/${file}`;
}

/** The folder as a parameter of Nix's `git+…` URLs, with the `&` before it; empty for the top. */
export function flakeQuery(subdirectory: string | undefined): string {
  return subdirectory === undefined || subdirectory === "" ? "" : `&dir=${encodeURIComponent(subdirectory)}`;
}

/** A host or a home's attribute together with the flake's folder: another folder makes another system. */
export function builtAs(subdirectory: string | undefined, attribute: string): string {
  return subdirectory === undefined || subdirectory === "" ? attribute : `${subdirectory}#${attribute}`;
}
