/** The last part of a link to a resource at Google, which is its name: `…/zones/europe-west3-a` is `europe-west3-a`. Pure. */
export function lastPart(link: string | null | undefined): string {
  return (link ?? "").replace(/^.*\//, "");
}
