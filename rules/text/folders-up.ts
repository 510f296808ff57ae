/** An absolute path and each folder above it, the closest first. Pure. */
export function foldersUp(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "");
  return [...parts.keys(), parts.length].map((left) => `/${parts.slice(0, parts.length - left).join("/")}`);
}
