import { notFound } from "./errors";

/**
 * Resources are named by their path below the project (`zones/europe-west1-b/disks/dev-alice`). In requests and answers Compute writes
 * them as links, and accepts links, partial links and paths.
 */
const BASE = "https://www.googleapis.com/compute/v1/";

/** The link that a resource's JSON shows; Google's own address, whatever the API's endpoint is. */
export function linkTo(project: string, path: string): string {
  return path === "" ? `${BASE}projects/${project}` : `${BASE}projects/${project}/${path}`;
}

/** Project (if the link names one) and path of a link in any form; undefined if it has none of the forms. */
export function parseLink(link: string): { project?: string; path: string } | undefined {
  const match =
    /^(?:https?:\/\/[^/]+\/compute\/[^/]+\/|\/)?(?:projects\/([^/]+)\/)?((?:global|(?:zones|regions)\/[^/]+)(?:\/[^/]+)+)$/.exec(
      link,
    );
  const path = match?.[2];
  if (path === undefined) {
    return undefined;
  }
  return match?.[1] === undefined ? { path } : { project: match[1], path };
}

/** The last part of a path or link. */
export function baseName(link: string): string {
  return link.slice(link.lastIndexOf("/") + 1);
}

/** The path without its last two parts: `zones/z` of `zones/z/disks/d`, `global` of `global/networks/n`. */
export function scopeOf(path: string): string {
  return path.split("/").slice(0, -2).join("/");
}

/** The path of a link, which must belong to this project. @throws ApiError 404 if the project is another. */
export function pathOf(project: string, link: string): string {
  const parsed = parseLink(link);
  if (parsed === undefined || (parsed.project !== undefined && parsed.project !== project)) {
    throw notFound(link);
  }
  return parsed.path;
}
