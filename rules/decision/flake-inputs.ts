/**
 * The inputs of the config repository's flake, as its homes need them. A home's user has no key for a private input, so Nix must find it in
 * the store. Pure.
 */
import { isObject, parseJson } from "../text/json";

/** Whether homes need inputs that only root can fetch. */
export function needsInputs(settings: Record<string, unknown>): boolean {
  const { homes, deployKeys, deployKeySecret } = settings;
  const hasKeys = (isObject(deployKeys) && Object.keys(deployKeys).length > 0) || isText(deployKeySecret);
  return hasKeys && Array.isArray(homes) && homes.some((home) => isObject(home) && !isText(home["repository"]));
}

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";

/** The store paths in the output of `nix flake archive --json`: the flake's and those of its inputs, and of theirs. */
export function archivedPaths(output: string): string[] {
  const paths = new Set<string>();
  const add = (flake: unknown) => {
    if (!isObject(flake)) return;
    const { path, inputs } = flake;
    if (typeof path === "string" && path.startsWith("/nix/store/")) paths.add(path);
    if (isObject(inputs)) Object.values(inputs).forEach(add);
  };
  add(parseJson(output));
  return [...paths];
}
