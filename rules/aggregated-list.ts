/** Compute's aggregated lists: entries of all zones and regions, page by page. */

/** A page: entries by zone or region. */
interface Page<S> {
  items?: Record<string, S> | null | undefined;
  nextPageToken?: string | null | undefined;
}

interface Scope {
  warning?: { code?: string | null | undefined } | null | undefined;
}

/**
 * All entries of an aggregated list.
 * @param page gets a page; its argument goes into the request
 * @param entries takes a zone's or region's entries out of its part of a page
 * @param unreachable the error for a zone that does not answer: such a zone must not look like a zone without resources
 */
export async function listAggregated<S extends Scope, T>(
  page: (pageToken: { pageToken?: string }) => Promise<Page<S>>,
  entries: (scope: S) => T[] | null | undefined,
  unreachable: (scope: string) => Error,
): Promise<T[]> {
  const found: T[] = [];
  let pageToken: string | null | undefined;
  do {
    const { items, nextPageToken } = await page(pageToken ? { pageToken } : {});
    for (const [name, scope] of Object.entries(items ?? {})) {
      if (scope.warning?.code === "UNREACHABLE") throw unreachable(name);
      found.push(...(entries(scope) ?? []));
    }
    pageToken = nextPageToken;
  } while (pageToken);
  return found;
}
