/** What a firewall rule lets in, and from where. */
import { list, object, type Inputs } from "./inputs";

/** Ranges as wide as these are the internet, whatever else they leave out. */
const WIDEST = 8;

/** Whether the rule lets the internet reach a TCP port. */
export function opensPort(firewall: Inputs, port: number): boolean {
  if (firewall["disabled"] === true || firewall["direction"] === "EGRESS") return false;
  return fromEverywhere(firewall) && list(firewall["allows"]).some((entry) => allows(object(entry), port));
}

/** Compute takes a rule without any source to mean every address. */
function fromEverywhere({ sourceRanges, sourceTags, sourceServiceAccounts }: Inputs): boolean {
  const ranges = list(sourceRanges);
  if (ranges.length === 0) return list(sourceTags).length === 0 && list(sourceServiceAccounts).length === 0;
  return ranges.some((range) => typeof range === "string" && prefix(range) < WIDEST);
}

function prefix(range: string): number {
  return range.includes("/") ? Number(range.replace(/^.*\//, "")) : Infinity;
}

function allows({ protocol, ports }: Inputs, port: number): boolean {
  if (!["tcp", "6", "all"].includes(String(protocol).toLowerCase())) return false;
  const named = list(ports);
  return named.length === 0 || named.some((entry) => covers(String(entry), port));
}

/** `22`, or `20-25`. */
function covers(entry: string, port: number): boolean {
  const [first = NaN, last = first] = entry.split("-").map(Number);
  return first <= port && port <= last;
}
