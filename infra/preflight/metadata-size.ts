/** Whether the project's metadata take what this run writes. Pure. */

/** Compute's limits, in bytes, and the share of all that triggers a warning. */
const ITEM_BYTES = 256 * 1024;
const METADATA_BYTES = 512 * 1024;
const FULL = 0.75;

const kib = (bytes: number) => Math.ceil(bytes / 1024);
const sizeOf = (text: string) => Buffer.byteLength(text);

/**
 * Compute refuses what does not fit with HTTP 413, in the middle of a rollout. Items that this run removes still count: it removes them last.
 * @param present the items before this run
 * @param written the items that this run writes
 */
export function metadataFindings(
  present: Readonly<Record<string, string>>,
  written: Readonly<Record<string, string>>,
): { mistakes: string[]; warnings: string[] } {
  const after = { ...present, ...written };
  const bytes = Object.entries(after).reduce((sum, item) => sum + sizeOf(item.join("")), 0);
  const [largest = ""] = Object.entries(after).sort(([, a], [, b]) => sizeOf(b) - sizeOf(a))[0] ?? [];
  const changed = Object.entries(written).filter(([key, value]) => present[key] !== value);
  const tooLarge = changed.filter(([, value]) => sizeOf(value) > ITEM_BYTES);
  const overflows = bytes > METADATA_BYTES && changed.length > 0;
  return {
    mistakes: [
      ...tooLarge.map(
        ([key, value]) =>
          `gcp:project: the item ${key} would have ${kib(sizeOf(value))} KiB, and Compute takes ${kib(ITEM_BYTES)} in one; an approval has 0.2 kB for each repository of its wave's homes, so use more waves or stacks`,
      ),
      ...(overflows
        ? [
            `gcp:project: with the items of this run its metadata would have ${kib(bytes)} KiB, and Compute takes ${kib(METADATA_BYTES)}; the largest item is ${largest}`,
          ]
        : []),
    ],
    warnings:
      overflows || bytes < METADATA_BYTES * FULL
        ? []
        : [
            `gcp:project: its metadata has ${kib(bytes)} of ${kib(METADATA_BYTES)} KiB, and approvals need room in it; the largest item is ${largest}`,
          ],
  };
}
