/** IPv4 ranges, as far as a subnetwork needs them. */
export interface Range {
  /** First address, as a number. */
  first: number;
  prefixLength: number;
}

/** Undefined where it is no IPv4 range in CIDR form whose host bits are zero. */
export function parseRange(cidr: string): Range | undefined {
  const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr);
  const first = parseAddress(match?.[1] ?? "");
  const prefixLength = Number(match?.[2]);
  if (first === undefined || prefixLength > 32) {
    return undefined;
  }
  return first % size({ first, prefixLength }) === 0 ? { first, prefixLength } : undefined;
}

/** Undefined where it is no IPv4 address. */
export function parseAddress(address: string): number | undefined {
  const parts = address.split(".").map(Number);
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(address) || parts.some((part) => part > 255)) {
    return undefined;
  }
  return parts.reduce((number, part) => number * 256 + part, 0);
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join(".");
}

/** The number of addresses in a range. */
export function size({ prefixLength }: Range): number {
  return 2 ** (32 - prefixLength);
}

export function overlaps(one: Range, other: Range): boolean {
  return one.first < other.first + size(other) && other.first < one.first + size(one);
}

/** The gateway's address: the first after the network's own. */
export function gatewayOf(range: Range): string {
  return formatAddress(range.first + 1);
}

/** Dotted mask, as the metadata server shows it. */
export function maskOf({ prefixLength }: Range): string {
  return formatAddress(2 ** 32 - 2 ** (32 - prefixLength));
}

/** Whether Compute gives this address to a VM: not the network's, the gateway's, the last but one, or the broadcast address. */
export function isUsable(range: Range, address: number): boolean {
  return address >= range.first + 2 && address < range.first + size(range) - 2;
}

/** The lowest address that is free, or undefined where the range is full. */
export function allocate(range: Range, taken: ReadonlySet<string>): string | undefined {
  for (let address = range.first + 2; isUsable(range, address); address++) {
    const text = formatAddress(address);
    if (!taken.has(text)) {
      return text;
    }
  }
  return undefined;
}
