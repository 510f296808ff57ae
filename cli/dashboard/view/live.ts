/** The news of a page that goes on. */
import type { PageDocument } from "../document";
import { applyChange, type PageChange } from "../model/change";

export type Connection = "file" | "live" | "lost";

/** Where the news comes from; undefined in a file. */
export function events(): string | undefined {
  return document.querySelector('meta[name="fleet-events"]')?.getAttribute("content") ?? undefined;
}

interface Follower {
  document: (document: PageDocument) => void;
  connection: (state: Connection) => void;
  problem: (line: string) => void;
}

/** Follows the news; the answer ends that. */
export function follow(address: string, first: PageDocument, { document, connection, problem }: Follower): () => void {
  let last = first;
  const source = new EventSource(address);
  const hear = (name: string, take: (data: unknown) => void) =>
    source.addEventListener(name, (event) => take(JSON.parse((event as MessageEvent<string>).data)));
  const show = (next: PageDocument) => {
    last = next;
    problem("");
    document(next);
  };
  // After a pause the server sends the whole document, whatever the page has.
  hear("document", (data) => show(data as PageDocument));
  hear("change", (data) => show(applyChange(last, data as PageChange)));
  hear("problem", (data) => problem(String(data)));
  source.onopen = () => connection("live");
  source.onerror = () => connection("lost");
  return () => source.close();
}
