/** What the person looks at, kept in the address so that it can be bookmarked and sent on. */
import { driftOrder } from "../model/states";
import { noFilter, type Filter } from "../model/tiles";

export interface Place {
  filter: Filter;
  /** The VM that is shown in detail; empty for none. */
  vm: string;
}

export function readPlace(): Place {
  const query = new URLSearchParams(location.hash.slice(1));
  const drift = query.get("state") ?? "";
  const known = drift === "homes" ? drift : driftOrder.find((one) => one === drift);
  return {
    filter: { ...noFilter, text: query.get("q") ?? "", drift: known ?? "", wave: query.get("wave") ?? "" },
    vm: query.get("vm") ?? "",
  };
}

export function writePlace({ filter, vm }: Place): void {
  const pairs = { q: filter.text, state: filter.drift, wave: filter.wave, vm };
  const query = new URLSearchParams(Object.entries(pairs).filter(([, value]) => value !== ""));
  const hash = query.toString();
  history.replaceState(null, "", hash === "" ? location.pathname + location.search : `#${hash}`);
}
