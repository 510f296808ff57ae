/** Which Nix versions the tool supports. Pure. */

/** The oldest version that supports all that the tool needs. In older ones `nix flake update` takes no names of inputs. */
export const oldestNix: readonly [number, number] = [2, 19];

/** Whether the first version in a text is older than the given one. */
export function isOlder(text: string, [leastMajor, leastMinor]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(text) ?? []).slice(1).map(Number);
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}
