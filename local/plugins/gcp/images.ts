/** Resolves an image name, by the official provider's rules. */
import type { Api } from "./api";
import { relative } from "./links";

/** Projects that publish images, by a part of their images' names. */
const PUBLISHERS: Record<string, string> = {
  centos: "centos-cloud",
  debian: "debian-cloud",
  "fedora-coreos": "fedora-coreos-cloud",
  opensuse: "opensuse-cloud",
  rhel: "rhel-cloud",
  "rocky-linux": "rocky-linux-cloud",
  sles: "suse-cloud",
  ubuntu: "ubuntu-os-cloud",
  windows: "windows-cloud",
};

/** The paths that a name may stand for, best first; a single one needs no look-up. Pure. */
export function imageCandidates(name: string, project: string): string[] {
  const plain = relative(name);
  const full = /(?:^|\/)projects\/[^/]+\/global\/images\/(?:family\/)?[^/]+$/.exec(plain);
  if (full) return [full[0].replace(/^\//, "")];
  if (plain.startsWith("global/images/")) return [`projects/${project}/${plain}`];
  const image = (of: string, leaf: string) => `projects/${of}/global/images/${leaf}`;
  const family = (of: string, leaf: string) => `projects/${of}/global/images/family/${leaf}`;
  const publisher = Object.entries(PUBLISHERS).find(([part]) => name.includes(part))?.[1];
  const projects = publisher === undefined ? [project] : [project, publisher];
  const [first = "", second] = plain.split("/");
  if (second === undefined)
    return [...projects.map((of) => image(of, first)), ...projects.map((of) => family(of, first))];
  if (first === "family") return projects.map((of) => family(of, second));
  return [image(first, second), family(first, second)];
}

/** The first candidate that exists. Rejects if there is none. */
export async function resolveImage(api: Api, name: string, project: string): Promise<string> {
  const candidates = imageCandidates(name, project);
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only;
  for (const path of candidates) if (await api.find(path)) return path;
  throw new Error(`Error resolving image name '${name}': Could not find image or family ${name}`);
}
