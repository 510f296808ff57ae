/** What a gate under Pulumi prints in all: the plugin hands it to the gate's next run in one variable, which Linux bounds. */

/** Bytes; Linux takes at most 128 KiB. */
const outputLimit = 60_000;

/** Prints until that many bytes are printed; then says once that it goes on in silence. */
export function bounded(print: (line: string) => void, limit = outputLimit): (line: string) => void {
  let left = limit;
  return (line) => {
    if (left < 0) return;
    left -= Buffer.byteLength(line) + 1;
    print(left < 0 ? "(the rest is left out; ./scripts/fleet status and fleet history show it)" : line);
  };
}
