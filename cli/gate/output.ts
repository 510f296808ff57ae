/** Limits all output of a gate under Pulumi: the plugin hands it to the gate's next run in one variable, whose size Linux limits. */

/** Bytes; Linux takes at most 128 KiB. */
const outputLimit = 60_000;

/** Prints until the limit is reached; then prints once that it continues silently. */
export function bounded(print: (line: string) => void, limit = outputLimit): (line: string) => void {
  let left = limit;
  return (line) => {
    if (left < 0) return;
    left -= Buffer.byteLength(line) + 1;
    print(left < 0 ? "(the rest is left out; fleet status and fleet history show it)" : line);
  };
}
