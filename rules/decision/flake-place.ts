/** Where in a repository its flake is: at the top, or in a folder below it. Pure. */

/** A file of the flake, from the repository's top. @param subdirectory such as `nixos`; undefined or empty for the top */
export function flakeFile(subdirectory: string | undefined, file: string): string {
  return subdirectory === undefined || subdirectory === "" ? file : `${subdirectory}/${file}`;
}

/** What a `git+…` URL of Nix says of it, with the `&` before it; empty for the top. */
export function flakeQuery(subdirectory: string | undefined): string {
  return subdirectory === undefined || subdirectory === "" ? "" : `&dir=${encodeURIComponent(subdirectory)}`;
}

/** A host or a home's attribute as what it is built: another folder makes another system of it. */
export function builtAs(subdirectory: string | undefined, attribute: string): string {
  return subdirectory === undefined || subdirectory === "" ? attribute : `${subdirectory}#${attribute}`;
}
